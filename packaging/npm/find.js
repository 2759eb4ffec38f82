// Where the program of this platform is.

const name = `incident-mcp-${process.platform}-${process.arch}`;
const file = process.platform === "win32" ? "incident-mcp.exe" : "incident-mcp";

module.exports = function find() {
  try {
    return require.resolve(`${name}/bin/${file}`);
  } catch {
    throw new Error(
      `incident-mcp: the package ${name} is not installed. Either there is none for this platform, ` +
        "or optional dependencies were left out: install again without --omit=optional.",
    );
  }
};
