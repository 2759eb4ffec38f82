//! Skills: the procedures of a policy as the Skills extension of MCP serves them (SEP-2640), and as resources for everybody.

use super::{STATIC_TTL, resources};
use ::skills::{File, MAIN, SCHEME, Skills};
use rmcp::model::{
    CacheScope, DIRECTORY_MIME_TYPE, ErrorData, GetSkillResult, ListResourcesResult, ListSkillsResult,
    ReadResourceResult, Resource, ResourceTemplate, Skill, SkillFrontmatter, SkillResource, SkillResources,
};

/// The entries of all skills.
pub fn list(skills: &Skills) -> ListSkillsResult {
    ListSkillsResult::with_all_items(skills.skills.iter().map(entry).collect())
        .with_ttl_ms(STATIC_TTL)
        .with_cache_scope(CacheScope::Public)
}

/// The entry of one.
pub fn get(skills: &Skills, uri: &str) -> Result<GetSkillResult, ErrorData> {
    let skill = skills.get(uri).ok_or_else(|| {
        ErrorData::invalid_params(format!("no skill is served at {uri}; skills/list has those that are"), None)
    })?;
    Ok(GetSkillResult::new(entry(skill)).with_ttl_ms(STATIC_TTL).with_cache_scope(CacheScope::Public))
}

fn entry(skill: &::skills::Skill) -> Skill {
    let mut front = SkillFrontmatter::new(&skill.name, skill.description());
    let rest = skill.front.iter().filter(|(key, _)| !["name", "description"].contains(&key.as_str()));
    front.extra = rest.map(|(key, value)| (key.clone(), value.clone())).collect();
    let files = skill.files.iter();
    let files = files.map(|file| SkillResource::new(skill.address(&file.path), &file.digest, file.text.len() as u64));
    Skill::new(skill.uri(), front, SkillResources::Files(files.collect()))
}

/// What a directory holds: the folder of a skill, one within it, or one of skills.
pub fn directory(skills: &Skills, uri: &str) -> Result<ListResourcesResult, ErrorData> {
    let below = format!("{uri}/");
    let mut found: Vec<Resource> = Vec::new();
    if uri.len() > SCHEME.len() {
        for (skill, file) in skills.skills.iter().flat_map(|skill| skill.files.iter().map(move |file| (skill, file))) {
            let address = skill.address(&file.path);
            let Some(path) = address.strip_prefix(&below) else { continue };
            let child = match path.split_once('/') {
                None => resource(skill, file),
                Some((name, _)) => Resource::new(format!("{below}{name}"), name).with_mime_type(DIRECTORY_MIME_TYPE),
            };
            // The files of a folder within it stand together.
            if found.last().is_none_or(|last| last.uri != child.uri) {
                found.push(child);
            }
        }
    }
    if found.is_empty() {
        return Err(ErrorData::invalid_params(format!("{uri} is no directory that is served here"), None));
    }
    Ok(ListResourcesResult::with_all_items(found).with_ttl_ms(STATIC_TTL).with_cache_scope(CacheScope::Public))
}

/// The main file of each skill, as a resource. The others are found by the template, or from a skill's entry.
pub fn resources(skills: &Skills) -> impl Iterator<Item = Resource> {
    skills.skills.iter().filter_map(|skill| Some(resource(skill, skill.files.first()?)))
}

fn resource(skill: &::skills::Skill, file: &File) -> Resource {
    let resource = Resource::new(skill.address(&file.path), file.path.rsplit('/').next().unwrap_or_default())
        .with_mime_type(resources::MARKDOWN)
        .with_size(file.text.len() as u64);
    if file.path != MAIN {
        return resource;
    }
    let mut main = resource.with_description(skill.description());
    main.name = skill.name.clone();
    main
}

/// The template of the files of skills.
pub fn template(policy: &str) -> ResourceTemplate {
    ResourceTemplate::new(format!("{SCHEME}{policy}/{{skill}}/{{+file}}"), "skill")
        .with_title("Skill")
        .with_description("A file of a skill: SKILL.md, or one that it names")
        .with_mime_type(resources::MARKDOWN)
}

/// A file of a skill.
pub fn read(skills: &Skills, uri: &str) -> Option<ReadResourceResult> {
    let (_, file) = skills.file(uri)?;
    let content = resources::content(uri, resources::MARKDOWN, file.text.to_string());
    Some(content.with_ttl_ms(STATIC_TTL).with_cache_scope(CacheScope::Public))
}
