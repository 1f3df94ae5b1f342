// node run.js FILE: cases come as lines of JSON, and each is answered by a line that begins with RESULT.
const readline = require("node:readline");

const cases = require(`./${process.argv[2]}`);

async function failureOf({ name, ...given }) {
  try {
    await cases[name](given);
    return null;
  } catch (failure) {
    return String(failure?.stack ?? failure);
  }
}

readline.createInterface({ input: process.stdin }).on("line", async (line) => {
  const failure = await failureOf(JSON.parse(line));
  console.log(`\nRESULT ${JSON.stringify({ failure })}`);
});
