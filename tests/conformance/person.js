// A person at a consent page, who allows what is asked: the address that they are sent back to.
async function allow(url, account) {
  const form = new URLSearchParams({ account });
  const answer = await fetch(url, { method: "POST", body: form, redirect: "manual" });
  const location = answer.headers.get("location");
  if (!location) throw new Error(`not sent back: ${answer.status} ${await answer.text()}`);
  return location;
}

module.exports = { allow };
