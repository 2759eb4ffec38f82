// The npm SDK of the Skills extension, as a host: list all skills of a server, and read each with its digest verified.
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import * as skills from "@olaservo/ext-skills/client";

const [program, policy] = process.argv.slice(2);
const client = new Client({ name: "test", version: "1" }, { versionNegotiation: { mode: { pin: "2026-07-28" } } });
await client.connect(new StdioClientTransport({ command: program, args: ["serve", "--policy", policy] }));
const entries = await skills.listSkills(client);
const read = [];
for (const entry of entries) {
  await skills.readSkill(client, entry);
  read.push(entry.uri);
}
console.log(JSON.stringify({
  supports: [skills.serverSupportsSkills(client), skills.serverSupportsDirectoryRead(client)],
  limits: entries.map((entry) => skills.checkSkillLimits(entry)),
  read,
}));
await client.close();
