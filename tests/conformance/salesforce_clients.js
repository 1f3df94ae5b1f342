// jsforce against the simulated Salesforce.
const assert = require("node:assert/strict");
const jsforce = require("jsforce");
const { allow } = require("./person");

const ORG = "00D000000000001EAA";
const LEAD = { LastName: "Lovelace", Company: "Acme" };
const VERSION = "67.0";

const connection = (base) =>
  new jsforce.Connection({
    instanceUrl: `${base}/salesforce/${ORG}`,
    accessToken: "00D000000000001!acme",
    version: VERSION,
  });

const failsWith = (code) => (failure) => failure.errorCode === code || failure.name === code;

async function writesAndReadsRecords({ base }) {
  const org = connection(base);
  const made = await org.sobject("Lead").create(LEAD);
  assert.equal((await org.sobject("Lead").retrieve(made.id)).Name, "Lovelace");
  await org.sobject("Lead").update({ Id: made.id, Company: "Globex" });
  const key = { External_Id__c: "A-1001", ...LEAD };
  const first = await org.sobject("Lead").upsert(key, "External_Id__c");
  const second = await org.sobject("Lead").upsert(key, "External_Id__c");
  assert.deepEqual([first.created, second.created, second.id], [true, false, first.id]);
  const found = await org.query("SELECT Id, Company FROM Lead WHERE Company = 'Globex'");
  assert.deepEqual(found.records.map((record) => record.Id), [made.id]);
  await org.sobject("Lead").destroy(made.id);
  await assert.rejects(org.sobject("Lead").retrieve(made.id), failsWith("ENTITY_IS_DELETED"));
}

async function hearsOfEachRecordOfACollection({ base }) {
  const org = connection(base);
  const [good, bad] = await org.sobject("Lead").create([LEAD, { LastName: "x", Company: " " }]);
  assert.equal(good.success, true);
  assert.equal(bad.errors[0].statusCode, "REQUIRED_FIELD_MISSING");
  const unknown = org.sobject("Lead").create([LEAD, { ...LEAD, Shoe_Size__c: 43 }]);
  await assert.rejects(unknown, failsWith("INVALID_FIELD"));
  assert.equal((await org.query("SELECT Id FROM Lead")).totalSize, 1);
}

async function isToldWhatIsWrong({ base }) {
  const org = connection(base);
  const deal = { Name: "A", StageName: "New", CloseDate: "2026-02-31" };
  const wrong = [
    [org.sobject("Opportunity").create(deal), "JSON_PARSER_ERROR"],
    [org.sobject("Contact").create({ LastName: "x", AccountId: "001000000009999AAA" }), "INVALID_CROSS_REFERENCE_KEY"],
    [org.query("SELECT Id FROM Lead WHERE AnnualRevenue = '1'"), "INVALID_FIELD"],
    [org.query("SELECT FROM Lead"), "MALFORMED_QUERY"],
  ];
  for (const [call, code] of wrong) await assert.rejects(call, failsWith(code));
}

async function describesAndCounts({ base }) {
  const org = connection(base);
  const { fields } = await org.sobject("Opportunity").describe();
  assert.equal(fields.find((field) => field.name === "CloseDate").type, "date");
  assert.equal((await org.limits()).DailyApiRequests.Max, 15000);
  assert.equal(org.limitInfo.apiUsage.limit, 15000);
}

async function signsInAndRefreshes({ base }) {
  const oauth2 = new jsforce.OAuth2({
    loginUrl: `${base}/salesforce/login`,
    clientId: "hub.salesforce",
    clientSecret: "salesforce-secret",
    redirectUri: "http://127.0.0.1:8000/connect/callback",
    useVerifier: true,
  });
  const asked = oauth2.getAuthorizationUrl({ scope: "api id refresh_token", state: "s1" });
  const code = new URL(await allow(asked, ORG)).searchParams.get("code");
  const org = new jsforce.Connection({ oauth2, version: VERSION });
  const person = await org.authorize(code);
  assert.equal(person.organizationId, ORG);
  assert.equal((await org.identity()).organization_id, ORG);
  const ended = org.accessToken;
  await oauth2.revokeToken(ended);
  assert.equal((await org.query("SELECT Name FROM Organization")).records[0].Name, "Acme");
  assert.notEqual(org.accessToken, ended);
}

module.exports = {
  writesAndReadsRecords,
  hearsOfEachRecordOfACollection,
  isToldWhatIsWrong,
  describesAndCounts,
  signsInAndRefreshes,
};
