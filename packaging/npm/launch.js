#!/usr/bin/env node
// Start the program of this platform in place of this one, as far as Node can: same streams, same signals, same end.

const { spawn } = require("node:child_process");
const os = require("node:os");

let program;
try {
  program = require("./find.js")();
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
const child = spawn(program, process.argv.slice(2), { stdio: "inherit", windowsHide: true });
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => child.kill(signal));
}
child.on("error", (error) => {
  console.error(`incident-mcp: ${error.message}`);
  process.exit(1);
});
child.on("exit", (code, signal) => {
  process.exit(signal ? 128 + os.constants.signals[signal] : code);
});
