//! Who writes prompts and answers for a checkpoint, as text and as tokens.

use minijinja::value::Value;
use minijinja::{Environment, ErrorKind, UndefinedBehavior};

use super::marks;
use super::task::{Fields, Task};
use crate::chat::{ChatTemplate, Message};
use crate::sample::StopWhen;
use crate::tokenizer::Part;
use crate::{Checkpoint, Example, ModelError, Tokenizer};

/// So many times a short text is longer than what templates cut texts to.
const LONG: usize = 1000;
/// What is wrong with a template that cuts what is cut already.
const TAKEN_APART: &str = "a text that was cut to a number of tokens is cut again as text. Let `first_tokens` come last in its \
                           {{ … }}, and use no part of `failed`, which is cut to what fits";

/// Whether a template has a field; one that is no template has none.
pub fn template_uses(template: &str, field: &str) -> bool {
    let environment = Environment::new();
    let template = environment.template_from_str(template);
    template.is_ok_and(|template| template.undeclared_variables(false).contains(field))
}

/// Writes prompts and answers over a checkpoint's tokenizer.
#[derive(Clone)]
pub struct Writer {
    tokenizer: Tokenizer,
    environment: Environment<'static>,
    chat: Option<ChatTemplate>,
    end_tokens: Vec<u32>,
    /// How the special ones of these are written.
    end_texts: Vec<String>,
    eos_token: String,
    bos_token: String,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").field("end_tokens", &self.end_tokens).finish_non_exhaustive()
    }
}

impl Writer {
    /// For the tokenizer and the chat template of a checkpoint.
    ///
    /// # Errors
    /// [`ModelError::Template`] if the checkpoint names no token that ends a text: its answers would never end.
    pub fn new(checkpoint: &Checkpoint) -> Result<Self, ModelError> {
        let tokenizer = checkpoint.tokenizer.clone();
        let is_end =
            |text: &String| tokenizer.token(text).is_some_and(|id| checkpoint.end_tokens.contains(&id));
        let named = checkpoint.special_text("eos_token").filter(is_end);
        let first = || checkpoint.end_tokens.iter().find_map(|token| tokenizer.text_of(*token));
        let eos_token = named.or_else(first).ok_or_else(|| ModelError::Template {
            name: "of every prompt".to_owned(),
            reason: "the checkpoint names no end token, so an answer would never end. Name one: set `eos_token_id` in \
                     its generation_config.json or config.json to the id of a token of its tokenizer.json"
                .to_owned(),
        })?;
        let environment = environment(&tokenizer);
        let chat = checkpoint.chat_template();
        let bos_token = checkpoint.special_text("bos_token").unwrap_or_default();
        let end_tokens = checkpoint.end_tokens.clone();
        let written = end_tokens.iter().filter_map(|token| tokenizer.text_of(*token));
        let special = written.filter(|text| tokenizer.special(text).is_some() && *text != eos_token);
        let end_texts = special.chain([eos_token.clone()]).collect();
        Ok(Self { tokenizer, environment, chat, end_tokens, end_texts, eos_token, bos_token })
    }

    /// The tokenizer.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// Checks a template: it must use all of `needed`, and no more than `fields` has, and take short values and long ones.
    ///
    /// # Errors
    /// [`ModelError::Template`] with the name of the template and of the field.
    pub fn check(
        &self,
        name: &str,
        template: &str,
        needed: &[&'static str],
        fields: &Fields,
    ) -> Result<(), ModelError> {
        let refuse = |reason: String| Err(ModelError::Template { name: format!("`{name}`"), reason });
        let mut environment = Environment::new();
        environment.set_keep_trailing_newline(true);
        let used = match environment.template_from_str(template) {
            Ok(template) => template.undeclared_variables(false),
            Err(error) => return refuse(format!("it is no template: {error}")),
        };
        let known = [&fields.names()[..], &["eos_token", "bos_token"]].concat();
        // The list of fields lacks those of slices, as of `failed[:100]`.
        let changes = |field: &'static str| {
            let other = fields.replaced(field, String::new());
            self.render(template, &other).ok() != self.render(template, fields).ok()
        };
        if let Some(missing) = needed.iter().copied().find(|&field| !used.contains(field) && !changes(field))
        {
            return refuse(format!(
                "it lacks its field `{missing}`. Write {{{{ {missing} }}}} where that text belongs"
            ));
        }
        let unknown = used.iter().filter(|field| !known.contains(&field.as_str())).min();
        if let Some(unknown) = unknown {
            return refuse(format!(
                "it has a field `{unknown}`, which nobody fills. There are: {}",
                known.join(", ")
            ));
        }
        let rendered = self.render(template, fields).and_then(|_| self.render(template, &self.long(fields)));
        rendered.map(drop).or_else(refuse)
    }

    /// Fields so long that whatever cuts texts cuts them; the one that is to fit is cut already.
    fn long(&self, fields: &Fields) -> Fields {
        let long = fields.repeated(LONG);
        match long.to_fit() {
            Some((name, text, _)) => long.replaced(name, marks::tokens(&self.tokenizer.encode(&text))),
            None => long,
        }
    }

    /// The tokens of a prompt.
    ///
    /// # Errors
    /// [`ModelError::Template`] if the template or the chat template does not take these values.
    pub fn prompt(&self, task: &Task, fields: &Fields) -> Result<Vec<u32>, ModelError> {
        self.encode(task, &self.write_fitted(task, fields)?)
    }

    /// A prompt with the answer that is to be learned; `fields` has those of both.
    ///
    /// # Errors
    /// As [`Self::prompt`].
    pub fn example(
        &self,
        task: &Task,
        fields: &Fields,
        answer: &Fields,
        weight: f32,
    ) -> Result<Example, ModelError> {
        let asked = self.write_fitted(task, fields)?;
        let prompt = self.encode(task, &asked)?;
        let answer = self.render(&task.answer, answer).map_err(|reason| template_error("answer", reason))?;
        let mut whole = self.encode(task, &(asked + &answer))?;
        // Where the two run together, a model that is asked continues the prompt as it stands.
        let target = if whole.starts_with(&prompt) {
            whole.split_off(prompt.len())
        } else {
            self.tokenizer.encode_parts(&marks::parts(&answer), false)?
        };
        Ok(Example { prompt, target, weight })
    }

    /// What ends an answer: tokens, and texts that are none.
    pub fn stops(&self, task: &Task) -> (Vec<u32>, Option<StopWhen>) {
        let (mut tokens, mut texts) = (self.end_tokens.clone(), Vec::new());
        for stop in &task.stop {
            match self.tokenizer.special(stop) {
                Some(token) => tokens.push(token),
                None => texts.push(stop.clone()),
            }
        }
        tokens.sort_unstable();
        tokens.dedup();
        let when = (!texts.is_empty()).then(|| StopWhen::text_ends_with(&self.tokenizer, texts));
        (tokens, when)
    }

    /// The text of an answer's tokens, up to what ended it.
    pub fn read(&self, task: &Task, tokens: &[u32]) -> String {
        let mut text = self.tokenizer.decode(tokens);
        let texts = task.stop.iter().filter(|stop| self.tokenizer.special(stop).is_none());
        if let Some(end) = texts.filter_map(|stop| text.find(stop)).min() {
            text.truncate(end);
        }
        text
    }

    /// The texts that end an answer but for the end tokens, for a program that knows those by itself.
    pub fn stop_texts(&self, task: &Task) -> Vec<String> {
        let is_end =
            |stop: &str| self.tokenizer.special(stop).is_some_and(|it| self.end_tokens.contains(&it));
        task.stop.iter().filter(|stop| !is_end(stop)).cloned().collect()
    }

    /// Whether one of [`Self::stop_texts`] stands only in texts with special tokens written out.
    pub fn stops_at_special(&self, task: &Task) -> bool {
        self.stop_texts(task).iter().any(|stop| self.tokenizer.has_special(stop))
    }

    /// An answer's text up to what ended it, from a program that may have written special tokens out.
    pub fn cut(&self, task: &Task, text: &str) -> String {
        let stops = task.stop.iter().chain(&self.end_texts);
        let end = stops.filter_map(|stop| text.find(stop.as_str())).min();
        text[..end.unwrap_or(text.len())].to_owned()
    }

    /// A prompt's text, of which a value is cut where the fields ask for it.
    fn write_fitted(&self, task: &Task, fields: &Fields) -> Result<String, ModelError> {
        let whole = self.write(task, fields)?;
        let Some((name, text, room)) = fields.to_fit() else { return Ok(whole) };
        let excess = self.encode(task, &whole)?.len().saturating_sub(room);
        if excess == 0 {
            return Ok(whole);
        }
        let mut tokens = self.tokenizer.encode(&text);
        tokens.truncate(tokens.len().saturating_sub(excess));
        self.write(task, &fields.replaced(name, marks::tokens(&tokens)))
    }

    fn write(&self, task: &Task, fields: &Fields) -> Result<String, ModelError> {
        let text = self.render(&task.prompt, fields).map_err(|reason| template_error("prompt", reason))?;
        if !task.chat {
            return Ok(text);
        }
        let chat = self.chat.as_ref().ok_or_else(|| {
            let reason = "it is for a chat, but the checkpoint has no chat template. Choose another layout with \
                          `prompts.layout`";
            template_error("prompt", reason.to_owned())
        })?;
        let message = |role: &str, content: String| Message { role: role.to_owned(), content };
        let mut messages = vec![message("user", text)];
        if !task.system.is_empty() {
            messages.insert(0, message("system", task.system.clone()));
        }
        chat.render(&messages)
    }

    fn encode(&self, task: &Task, marked: &str) -> Result<Vec<u32>, ModelError> {
        // A chat template writes out what stands at the beginning.
        self.tokenizer.encode_parts(&marks::parts(marked), !task.chat)
    }

    fn render(&self, template: &str, fields: &Fields) -> Result<String, String> {
        let mut values = fields.context();
        for (name, text) in [("eos_token", &self.eos_token), ("bos_token", &self.bos_token)] {
            values.insert(name, Value::from_safe_string(text.clone()));
        }
        self.environment.render_str(template, values).map_err(|error| format!("it fails: {error}"))
    }
}

fn template_error(name: &str, reason: String) -> ModelError {
    ModelError::Template { name: format!("`{name}`"), reason }
}

/// Where templates are rendered: every value is marked as one, and what is marked already or safe stays as it is.
fn environment(tokenizer: &Tokenizer) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_keep_trailing_newline(true);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
    environment.set_formatter(|out, _, value| {
        let text = value.to_string();
        let marked = if value.is_safe() { Some(text) } else { marks::value(&text) };
        let marked = marked.ok_or_else(|| minijinja::Error::new(ErrorKind::InvalidOperation, TAKEN_APART))?;
        Ok(out.write_str(&marked)?)
    });
    let tokenizer = tokenizer.clone();
    environment.add_filter("first_tokens", move |text: String, most: usize| {
        let tokens = tokens_of(&tokenizer, &text);
        match tokens.get(..most) {
            Some(first) if tokens.len() > most => Value::from_safe_string(marks::tokens(first)),
            _ => Value::from(text),
        }
    });
    environment
}

/// The tokens of a value, which may have been cut to some already.
fn tokens_of(tokenizer: &Tokenizer, marked: &str) -> Vec<u32> {
    let of_part = |part: Part| match part {
        Part::Tokens(ids) => ids,
        Part::Written(text) | Part::Value(text) => tokenizer.encode(&text),
    };
    marks::parts(marked).into_iter().flat_map(of_part).collect()
}

#[cfg(test)]
mod tests;
