//! Chat templates: how the makers of a model turn a conversation into the text it was trained on.
//!
//! They are Jinja with Python's methods on strings, as `transformers` renders them.

use minijinja::{Environment, Error, ErrorKind, context};
use serde::Serialize;
use serde_json::Value;

use crate::ModelError;

/// A part of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Message {
    /// `system`, `user` or `assistant`.
    pub role: String,
    /// What was said.
    pub content: String,
}

/// A chat template with the tokens that it may name.
#[derive(Clone, Debug)]
pub(crate) struct ChatTemplate {
    template: String,
    /// The checkpoint's `tokenizer_config.json`.
    tokenizer_config: Value,
}

impl ChatTemplate {
    pub(crate) fn new(template: String, tokenizer_config: Value) -> Self {
        Self { template, tokenizer_config }
    }

    /// The prompt for the assistant's next message.
    pub(crate) fn render(&self, messages: &[Message]) -> Result<String, ModelError> {
        render(&self.template, messages, &self.tokenizer_config)
    }
}

/// A token that `tokenizer_config.json` names: as a string, or as an object with its text in `content`.
pub(crate) fn named_token(tokenizer_config: &Value, name: &str) -> Option<String> {
    let value = &tokenizer_config[name];
    value.as_str().or_else(|| value["content"].as_str()).map(str::to_owned)
}

/// The chat template in `tokenizer_config.json`: as a string, or in a list of several the one that is meant where nobody names
/// one.
pub(crate) fn template_in(tokenizer_config: &Value) -> Option<&str> {
    let value = &tokenizer_config["chat_template"];
    let of_list = || value.as_array()?.iter().find(|it| it["name"] == "default")?["template"].as_str();
    value.as_str().or_else(of_list)
}

fn render(template: &str, messages: &[Message], tokenizer_config: &Value) -> Result<String, ModelError> {
    let token = |name: &str| named_token(tokenizer_config, name).unwrap_or_default();
    let (bos_token, eos_token) = (token("bos_token"), token("eos_token"));
    let mut environment = Environment::new();
    environment.set_trim_blocks(true);
    environment.set_lstrip_blocks(true);
    environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
    environment.add_function("raise_exception", |text: String| -> Result<String, Error> {
        Err(Error::new(ErrorKind::InvalidOperation, text))
    });
    let values = context! { messages, bos_token, eos_token, add_generation_prompt => true };
    environment.render_str(template, values).map_err(|error| ModelError::Tokenizer {
        action: "used",
        reason: format!("its chat template fails: {error}. Give a plain prompt instead."),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tokens_and_methods_of_python_work() {
        let template = "{{ bos_token }}{% for m in messages %}\n  {%- if m.role == 'user' %}U {{ m.content.strip() }}{% endif %}\n\
                        {% endfor %}{% if add_generation_prompt %}A{% endif %}{{ eos_token }}";
        let messages = [Message { role: "user".to_owned(), content: " prove it \n".to_owned() }];
        let config = json!({ "bos_token": {"content": "<s>"}, "eos_token": "</s>" });
        assert_eq!(render(template, &messages, &config).unwrap(), "<s>U prove itA</s>");
        let text = render("{{ raise_exception('no system') }}", &messages, &config).unwrap_err().to_string();
        assert!(text.contains("no system"), "{text}");
    }
    #[test]
    fn of_several_templates_the_default_one_counts() {
        let entry = |name: &str, text: &str| json!({ "name": name, "template": text });
        for (value, expected) in [
            (json!("x"), Some("x")),
            (json!([entry("tool_use", "y"), entry("default", "x")]), Some("x")),
            (json!([entry("tool_use", "y")]), None),
            (json!([]), None),
            (json!(null), None),
        ] {
            assert_eq!(template_in(&json!({ "chat_template": value })), expected);
        }
        assert_eq!(template_in(&Value::Null), None);
    }
}
