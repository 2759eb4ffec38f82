// Write package.json of `incident-mcp` and of the package of one platform.
//
//   node packaging/npm/describe.js VERSION SYSTEM MACHINE FOLDER

const fs = require("node:fs");
const path = require("node:path");

const PLATFORMS = ["linux-x64", "linux-arm64", "darwin-x64", "darwin-arm64", "win32-x64", "win32-arm64"];

const [version, system, machine, folder] = process.argv.slice(2);
const server = JSON.parse(fs.readFileSync(path.join(__dirname, "../../server.json"), "utf8"));
const common = {
  version,
  license: "Apache-2.0",
  repository: { type: "git", url: `git+${server.repository.url}.git` },
};

function write(name, description) {
  const text = JSON.stringify({ name, ...description }, null, 2);
  fs.writeFileSync(path.join(folder, name, "package.json"), `${text}\n`);
}

write("incident-mcp", {
  ...common,
  description: server.description,
  // By this the MCP registry knows that the package is ours.
  mcpName: server.name,
  keywords: ["mcp", "incident management", "agents", "evaluation"],
  bin: { "incident-mcp": "launch.js" },
  files: ["launch.js", "find.js"],
  engines: { node: ">=18" },
  optionalDependencies: Object.fromEntries(PLATFORMS.map((platform) => [`incident-mcp-${platform}`, version])),
});
write(`incident-mcp-${system}-${machine}`, {
  ...common,
  description: `The program of incident-mcp for ${system} on ${machine}`,
  os: [system],
  cpu: [machine],
  files: ["bin"],
  // No script runs when it is installed.
  preferUnplugged: true,
});
