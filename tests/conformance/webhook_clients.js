// svix and standardwebhooks: they verify what our connector signs, and the sandbox verifies what they sign.
const assert = require("node:assert/strict");
const svix = require("svix");
const standardwebhooks = require("standardwebhooks");

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const VERIFIERS = [svix.Webhook, standardwebhooks.Webhook];

async function verifyWhatOurConnectorSigns({ body, headers, secret }) {
  for (const Webhook of VERIFIERS) {
    const verifier = new Webhook(secret);
    assert.deepEqual(verifier.verify(body, headers), JSON.parse(body));
    assert.throws(() => verifier.verify(`${body} `, headers));
    assert.throws(() => new Webhook(SECRET).verify(body, headers));
  }
}

async function signWhatTheSandboxVerifies({ base, at }) {
  for (const Webhook of VERIFIERS) {
    const body = JSON.stringify({ type: "order.created" });
    const signed = {
      "webhook-id": "msg_1",
      "webhook-timestamp": String(at),
      "webhook-signature": new Webhook(SECRET).sign("msg_1", new Date(at * 1000), body),
    };
    const post = (text) => fetch(`${base}/webhook/acme`, { method: "POST", headers: signed, body: text });
    assert.equal((await post(body)).status, 200);
    assert.equal((await post(`${body} `)).status, 401);
  }
}

module.exports = { verifyWhatOurConnectorSigns, signWhatTheSandboxVerifies };
