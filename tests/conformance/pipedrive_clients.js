// Pipedrive's own client against the simulated Pipedrive.
const assert = require("node:assert/strict");
const { v1, v2 } = require("pipedrive");
const { allow } = require("./person");

const configuration = (base, api, version) =>
  new api.Configuration({ accessToken: "v1u:acme-1", basePath: `${base}/pipedrive/acme/api/${version}` });

// The client fails with the body of the answer.
async function refusedWith(call, words) {
  const body = await call.then(() => "taken", (failure) => failure);
  assert.equal(body.success, false);
  assert.match(body.error, words);
}

async function writesAndReadsDeals({ base }) {
  const deals = new v2.DealsApi(configuration(base, v2, "v2"));
  const { data: made } = await deals.addDeal({ AddDealRequest: { title: "A-1001", value: 12.5, stage_id: 2 } });
  assert.deepEqual([made.title, made.stage_id, made.pipeline_id], ["A-1001", 2, 1]);
  const { data: won } = await deals.updateDeal({ id: made.id, UpdateDealRequest: { status: "won" } });
  assert.equal(won.status, "won");
  await refusedWith(deals.addDeal({ AddDealRequest: { title: "x", stage_id: 99 } }), /stage_id/);
  await refusedWith(deals.getDeal({ id: 404 }), /Deal not found/);
  const { data: stages } = await new v2.StagesApi(configuration(base, v2, "v2")).getStages({});
  assert.equal(stages.length, 5);
}

async function readsPagesByTheirCursor({ base }) {
  const persons = new v2.PersonsApi(configuration(base, v2, "v2"));
  for (const name of ["Ada", "Bob"]) await persons.addPerson({ AddPersonRequest: { name } });
  const names = [];
  let cursor;
  do {
    const page = await persons.getPersons({ limit: 2, cursor });
    names.push(...page.data.map((person) => person.name));
    cursor = page.additional_data.next_cursor;
  } while (cursor);
  assert.deepEqual(names, ["Ada Lovelace", "Ada", "Bob"]);
}

async function writesLeadsAndNotes({ base }) {
  const leads = new v1.LeadsApi(configuration(base, v1, "v1"));
  const { data: lead } = await leads.addLead({ AddLeadRequest: { title: "A-1001", person_id: 1 } });
  const notes = new v1.NotesApi(configuration(base, v1, "v1"));
  const { data: note } = await notes.addNote({ AddNoteRequest: { content: "call", lead_id: lead.id } });
  assert.equal(note.lead_id, lead.id);
  await refusedWith(leads.addLead({ AddLeadRequest: { title: "x" } }), /must be linked/);
}

async function installsRefreshesAndUninstalls({ base }) {
  const client = new v2.OAuth2Configuration({
    clientId: "hub.pipedrive",
    clientSecret: "pipedrive-secret",
    redirectUri: "http://127.0.0.1:8000/connect/callback",
    host: `${base}/pipedrive`,
  });
  const code = new URL(await allow(client.authorizationUrl, "701")).searchParams.get("code");
  await client.authorize(code);
  const first = client.accessToken;
  await client.tokenRefresh();
  assert.notEqual(client.accessToken, first);
  const deals = new v2.DealsApi(new v2.Configuration({ accessToken: client.accessToken, basePath: client.basePath }));
  assert.equal((await deals.getDeals({})).success, true);
  await client.revokeToken("refresh_token");
  await refusedWith(deals.getDeals({}), /unauthorized/);
}

module.exports = {
  writesAndReadsDeals,
  readsPagesByTheirCursor,
  writesLeadsAndNotes,
  installsRefreshesAndUninstalls,
};
