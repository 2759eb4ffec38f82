//! Prompts, and completions of their arguments.
//!
//! Scenarios: prompts-get-simple, -with-args, -embedded-resource, -with-image; input-required-result-non-tool-request;
//! completion-complete.

use super::content::{PIXEL, PNG, embedded};
use super::input_required::ask;
use super::questions::{elicitation, filled};
use rmcp::model::{
    CompletionInfo, ContentBlock, ErrorData, GetPromptRequestParams, GetPromptResponse, GetPromptResult, Prompt,
    PromptArgument, PromptMessage, Role,
};
use rmcp::service::{RequestContext, RoleServer};
use serde_json::json;

const SIMPLE: &str = "test_simple_prompt";
const ARGUMENTS: &str = "test_prompt_with_arguments";
const RESOURCE: &str = "test_prompt_with_embedded_resource";
const IMAGE: &str = "test_prompt_with_image";
const ASKING: &str = "test_input_required_result_prompt";

/// The prompts of the suite.
pub fn list() -> Vec<Prompt> {
    vec![
        prompt(SIMPLE, "Says one thing", &[]),
        prompt(ARGUMENTS, "Repeats its arguments", &["arg1", "arg2"]),
        prompt(RESOURCE, "Shows a resource", &["resourceUri"]),
        prompt(IMAGE, "Shows a picture", &[]),
        prompt(ASKING, "Asks for its context first", &[]),
    ]
}

fn prompt(name: &str, about: &str, arguments: &[&str]) -> Prompt {
    let arguments = arguments.iter().map(|name| PromptArgument::new(*name).with_required(true));
    Prompt::new(name, Some(about), Some(arguments.collect()))
}

/// Whether a prompt is one of the suite's.
pub fn has(name: &str) -> bool {
    list().iter().any(|prompt| prompt.name == name)
}

/// The text of a prompt, or the question that comes first.
pub fn get(
    request: &GetPromptRequestParams,
    context: &RequestContext<RoleServer>,
) -> Result<GetPromptResponse, ErrorData> {
    let argument = |name: &str| {
        let given = request.arguments.as_ref().and_then(|arguments| arguments.get(name)?.as_str());
        given.ok_or_else(|| ErrorData::invalid_params(format!("{} needs {name}", request.name), None))
    };
    Ok(match request.name.as_str() {
        SIMPLE => shown(vec![ContentBlock::text("This is a simple prompt for testing.")]),
        ARGUMENTS => {
            let (first, second) = (argument("arg1")?, argument("arg2")?);
            let text = format!("Prompt with arguments: arg1='{first}', arg2='{second}'");
            shown(vec![ContentBlock::text(text)])
        }
        RESOURCE => shown(vec![
            embedded("Embedded resource content for testing.", argument("resourceUri")?, "text/plain"),
            ContentBlock::text("Please process the embedded resource above."),
        ]),
        IMAGE => shown(vec![ContentBlock::image(PIXEL, PNG), ContentBlock::text("Please analyze the image above.")]),
        ASKING => {
            let form = json!({ "context": { "type": "string" } });
            let question = elicitation("What context should the prompt use?", form, &["context"])?;
            ask(context, request.input_responses.as_ref(), [("user_context", question)], None, |answers| {
                let text = format!("In the context of {}.", filled(&answers, "user_context", "context"));
                Ok(shown(vec![ContentBlock::text(text)]))
            })?
        }
        name => return Err(ErrorData::invalid_params(format!("there is no prompt {name:?}"), None)),
    })
}

fn shown(content: Vec<ContentBlock>) -> GetPromptResponse {
    GetPromptResult::new(content.into_iter().map(|block| PromptMessage::new(Role::User, block)).collect()).into()
}

/// What could stand in an argument of any prompt.
pub fn complete(typed: &str) -> Result<CompletionInfo, ErrorData> {
    let words = ["paris", "park", "party"].into_iter().filter(|word| word.starts_with(typed));
    let words = words.map(str::to_owned).collect();
    CompletionInfo::with_pagination(words, None, false).map_err(|error| ErrorData::internal_error(error, None))
}
