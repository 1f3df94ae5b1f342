// @slack/web-api, @slack/oauth and Bolt against the simulated Slack.
const assert = require("node:assert/strict");
const { App } = require("@slack/bolt");
const { InstallProvider, LogLevel } = require("@slack/oauth");
const { WebClient } = require("@slack/web-api");
const { allow } = require("./person");

const optionsFor = (base) => ({
  slackApiUrl: `${base}/slack/api/`,
  retryConfig: { retries: 0 },
  logLevel: LogLevel.ERROR,
});
const CHANNEL = "C0000ORD1";
const BACK = "http://127.0.0.1:8000/connect/callback";

const refusedWith = (error) => (failure) => failure.data.error === error;

async function postsAndChangesMessages({ base }) {
  const web = new WebClient("xoxb-acme-1", optionsFor(base));
  const { team_id } = await web.auth.test();
  assert.equal(team_id, "T0000ACME");
  const blocks = [{ type: "section", text: { type: "mrkdwn", text: "*A-1001*" } }];
  const { ts } = await web.chat.postMessage({ channel: "#orders", text: "A-1001", blocks });
  const { message } = await web.chat.update({ channel: CHANNEL, ts, text: "shipped" });
  assert.deepEqual(message.blocks, []);
  const byName = web.chat.update({ channel: "#orders", ts, text: "shipped" });
  await assert.rejects(byName, refusedWith("channel_not_found"));
  const bad = web.chat.postMessage({ channel: CHANNEL, text: "x", blocks: [{ type: "section" }] });
  await assert.rejects(bad, refusedWith("invalid_blocks"));
}

async function readsListsToTheirEnd({ base }) {
  const web = new WebClient("xoxb-acme-1", optionsFor(base));
  const names = [];
  for await (const page of web.paginate("conversations.list", { limit: 1 })) {
    names.push(...page.channels.map((channel) => channel.name));
  }
  assert.deepEqual(names, ["general", "orders", "far-away", "old-news"]);
}

async function isToldToWait({ base }) {
  const web = new WebClient("xoxb-acme-1", { ...optionsFor(base), rejectRateLimitedCalls: true });
  const calls = Array.from({ length: 25 }, () => web.users.list());
  const failed = (await Promise.allSettled(calls)).filter((call) => call.status === "rejected");
  assert.ok(failed.length >= 4);
  assert.ok(failed.every((call) => call.reason.retryAfter >= 1));
}

async function installsAndRefreshes({ base }) {
  const clientOptions = optionsFor(base);
  const installer = new InstallProvider({
    clientId: "hub.slack",
    clientSecret: "slack-secret",
    stateSecret: "state-secret",
    legacyStateVerification: true,
    authorizationUrl: `${base}/slack/oauth/v2/authorize`,
    clientOptions,
    logLevel: LogLevel.ERROR,
  });
  const options = { scopes: ["chat:write"], userScopes: ["chat:write"], redirectUri: BACK };
  for (const teamId of ["T0000ACME", "T000GLOBEX"]) {
    const url = await allow(await installer.generateInstallUrl(options), teamId);
    await new Promise((success, failure) => {
      const callbacks = { success, failure };
      const response = { setHeader: () => {}, getHeader: () => undefined };
      installer.handleCallback({ url, headers: {} }, response, callbacks, options).catch(failure);
    });
    const installed = await installer.authorize({ teamId, isEnterpriseInstall: false });
    const web = new WebClient(installed.botToken, clientOptions);
    assert.equal((await web.auth.test()).team_id, teamId);
    const person = new WebClient(installed.userToken, clientOptions);
    assert.match((await person.auth.test()).user_id, /^U0000/);
  }
}

async function answersAMessageByBolt({ base }) {
  const app = new App({
    token: "xoxb-acme-1",
    signingSecret: "signing-secret",
    clientOptions: optionsFor(base),
    logLevel: LogLevel.ERROR,
  });
  let said;
  app.message("status", async ({ say }) => {
    said = await say("all is well");
  });
  const event = { type: "message", text: "status", channel: CHANNEL, user: "U0000ANN1", ts: "1.1" };
  const body = { type: "event_callback", team_id: "T0000ACME", event };
  await app.processEvent({ body, ack: async () => {} });
  assert.equal(said.message.text, "all is well");
}

module.exports = {
  postsAndChangesMessages,
  readsListsToTheirEnd,
  isToldToWait,
  installsAndRefreshes,
  answersAMessageByBolt,
};
