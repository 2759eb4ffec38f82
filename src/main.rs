//! tmp
fn main() {
    let source = incident_mcp::policy::Source::Embedded;
    for id in incident_mcp::policy::ids(&source) {
        match incident_mcp::policy::load(&source, &id) {
            Ok(p) => {
              let bytes: usize = p.tools.iter().map(|t| serde_json::json!({"name": t.name, "description": t.description, "inputSchema": *t.input_schema}).to_string().len()).sum();
              let find: usize = p.tools.iter().filter(|t| t.name.starts_with("find_")).map(|t| serde_json::json!({"name": t.name, "description": t.description, "inputSchema": *t.input_schema}).to_string().len()).sum();
              println!("{id} ok tools {} tokens {} (find {})", p.tools.len(), bytes/4, find/4);
              if std::env::args().nth(1).as_deref() == Some(&id) { for t in &p.tools { let s = serde_json::json!({"name": t.name, "description": t.description, "inputSchema": *t.input_schema}).to_string(); println!("{} {}", s.len(), s); }}
            }
            Err(m) => { for m in m { println!("{m}") } }
        }
    }
}
