//! How tokenizers divide texts before BPE. A file has a name for that alone, so what it stands for is here, as the models' own
//! `tokenizer.json` have it.

use tokenizers::SplitDelimiterBehavior;
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};

use super::meta::Meta;

/// The key of the name.
const KEY: &str = "tokenizer.ggml.pre";

/// How Qwen2 and Qwen3 divide text.
const QWEN2: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
/// How Llama 3 does.
const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
/// How the models of Mistral do since Nemo.
const TEKKEN: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";
/// How DeepSeek-V3 does, one pattern after the other.
const DEEPSEEK_V3: [&str; 3] = [
    r"\p{N}{1,3}",
    "[\u{4e00}-\u{9fa5}\u{3040}-\u{309f}\u{30a0}-\u{30ff}]+",
    r##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"##,
];
/// How DeepSeek-Coder does; then each digit by itself.
const DEEPSEEK_CODER: [&str; 4] = [r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", CHINESE];
/// How DeepSeek-LLM does, and with it DeepSeekMath and DeepSeek-Prover; then each digit by itself.
const DEEPSEEK_LLM: [&str; 5] = [r"[\r\n]", DEEPSEEK_LETTERS, DEEPSEEK_SIGNS, r"\s+$", CHINESE];
/// Chinese, Japanese, Korean and much between.
const CHINESE: &str = "[\u{4e00}-\u{9fa5}\u{800}-\u{4e00}\u{ac00}-\u{d7ff}]+";
/// The signs of DeepSeek-LLM.
const DEEPSEEK_SIGNS: &str =
    concat!(r"\s?[", "!-/:-~\u{ff01}-\u{ff0f}\u{ff1a}-\u{ff5e}\u{2018}-\u{201f}\u{3000}-\u{3002}", "]+");
/// The letters with cases of DeepSeek-LLM: those of an older Unicode, without the mathematical ones. They are written as numbers
/// since some have twins (U+212A beside K), which an editor that normalises texts would put in their place.
const DEEPSEEK_LETTERS: &str = concat!(
    r"\s?[",
    "A-Za-z\u{b5}\u{c0}-\u{d6}\u{d8}-\u{f6}\u{f8}-\u{1ba}\u{1bc}-\u{1bf}\u{1c4}-\u{293}",
    "\u{295}-\u{2af}\u{370}-\u{373}\u{376}\u{377}\u{37b}-\u{37d}\u{37f}\u{386}\u{388}-\u{38a}\u{38c}",
    "\u{38e}-\u{3a1}\u{3a3}-\u{3f5}\u{3f7}-\u{481}\u{48a}-\u{52f}\u{531}-\u{556}\u{10a0}-\u{10c5}",
    "\u{13a0}-\u{13f5}\u{13f8}-\u{13fd}\u{1c90}-\u{1cba}\u{1cbd}-\u{1cbf}\u{1d00}-\u{1d2b}",
    "\u{1d6b}-\u{1d77}\u{1d79}-\u{1d9a}\u{1e00}-\u{1f15}\u{1f18}-\u{1f1d}\u{1f20}-\u{1f45}",
    "\u{1f48}-\u{1f4d}\u{1f50}-\u{1f57}\u{1f59}\u{1f5b}\u{1f5d}\u{1f5f}-\u{1f7d}\u{1f80}-\u{1fb4}",
    "\u{1fb6}-\u{1fbc}\u{1fbe}\u{1fc2}-\u{1fc4}\u{1fc6}-\u{1fcc}\u{1fd0}-\u{1fd3}\u{1fd6}-\u{1fdb}",
    "\u{1fe0}-\u{1fec}\u{1ff2}-\u{1ff4}\u{1ff6}-\u{1ffc}\u{2102}\u{2107}\u{210a}-\u{2113}\u{2115}",
    "\u{2119}-\u{211d}\u{2124}\u{2126}\u{2128}\u{212a}-\u{212d}\u{212f}-\u{2134}\u{2139}",
    "\u{213c}-\u{213f}\u{2145}-\u{2149}\u{214e}\u{2183}\u{2184}\u{2c00}-\u{2c7b}\u{2c7e}-\u{2ce4}",
    "\u{2ceb}-\u{2cee}\u{2cf2}\u{2cf3}\u{a640}-\u{a66d}\u{a680}-\u{a69b}\u{a722}-\u{a76f}",
    "\u{a771}-\u{a787}\u{a78b}-\u{a78e}\u{ab70}-\u{abbf}\u{fb00}-\u{fb06}\u{fb13}-\u{fb17}",
    "\u{ff21}-\u{ff3a}\u{ff41}-\u{ff5a}\u{10400}-\u{1044f}\u{104b0}-\u{104d3}\u{104d8}-\u{104fb}",
    "\u{10c80}-\u{10cb2}\u{10cc0}-\u{10cf2}\u{118a0}-\u{118df}\u{1e900}-\u{1e943}",
    "]+",
);

/// How a tokenizer divides a text, and what else only the name says.
pub(super) struct Division {
    /// What BPE may not cross. The last step makes bytes of it, and divides it as GPT-2 does where nothing else did.
    pub pieces: Vec<PreTokenizerWrapper>,
    /// Whether a text is brought into the normal form C before.
    pub normalized: bool,
    /// Whether a piece that is a token stays whole, whatever the merges would make of it.
    pub whole: bool,
    /// Whether the first token stands before a text where the file does not say.
    pub first_token: bool,
}

impl Division {
    /// Texts are divided so, and nothing else is done.
    fn of(pieces: Vec<PreTokenizerWrapper>) -> Self {
        Self { pieces, normalized: false, whole: false, first_token: false }
    }

    /// The division that a file names.
    ///
    /// # Errors
    /// A name that is missing, stands for none, or is not known: with a guess the model would read other tokens than those that
    /// it learned, and nothing would say so.
    pub fn of_file(meta: &Meta<'_>) -> Result<Self, String> {
        let instead = "Take the model's folder of Hugging Face, or convert it with a newer llama.cpp";
        match meta.text(KEY) {
            None => Err(format!("it does not say how its tokenizer divides text (it has no text `{KEY}`). {instead}")),
            Some("default") => Err(format!(
                "it does not say how its tokenizer divides text (`{KEY}` is `default`, which is no model's way). {instead}"
            )),
            Some(name) => Self::named(name)?.ok_or_else(|| {
                format!(
                    "its tokenizer divides text as `{name}` does (`{KEY}`); {} are known. Take the model's folder of \
                     Hugging Face instead",
                    NAMES.join(", ")
                )
            }),
        }
    }

    fn named(name: &str) -> Result<Option<Self>, String> {
        let digits = || PreTokenizerWrapper::Digits(Digits::new(true));
        Ok(Some(match name {
            "gpt-2" | "gpt2" => Self::of(vec![bytes(true)]),
            "smollm" | "starcoder" | "refact" => Self::of(vec![digits(), bytes(true)]),
            "qwen2" => Self { normalized: true, ..Self::of(split(&[QWEN2], None)?) },
            "deepseek-r1-qwen" => {
                Self { normalized: true, first_token: true, ..Self::of(split(&[QWEN2], None)?) }
            }
            "llama3" | "llama-v3" | "llama-bpe" => Self::whole(split(&[LLAMA3], None)?),
            "tekken" => Self::whole(split(&[TEKKEN], None)?),
            // Their tokenizers are of Llama's class, which puts the first token before a text.
            "deepseek-llm" => Self { first_token: true, ..Self::of(split(&DEEPSEEK_LLM, Some(digits()))?) },
            "deepseek-coder" => {
                Self { first_token: true, ..Self::of(split(&DEEPSEEK_CODER, Some(digits()))?) }
            }
            "deepseek-v3" => Self { first_token: true, ..Self::of(split(&DEEPSEEK_V3, None)?) },
            _ => return Ok(None),
        }))
    }

    /// A piece that is a token stays whole, and the first token comes first.
    fn whole(pieces: Vec<PreTokenizerWrapper>) -> Self {
        Self { whole: true, first_token: true, ..Self::of(pieces) }
    }
}

/// The names that are known, without the older ones for the same.
const NAMES: [&str; 11] = [
    "gpt-2",
    "smollm",
    "starcoder",
    "refact",
    "qwen2",
    "llama-bpe",
    "tekken",
    "deepseek-llm",
    "deepseek-coder",
    "deepseek-v3",
    "deepseek-r1-qwen",
];

/// What makes bytes of the pieces; it divides them as GPT-2 does, or leaves them as they are.
fn bytes(divides: bool) -> PreTokenizerWrapper {
    PreTokenizerWrapper::ByteLevel(ByteLevel::new(false, false, divides))
}

/// Each pattern divides what the one before it left, then comes what else divides; at last bytes are made of it.
fn split(patterns: &[&str], then: Option<PreTokenizerWrapper>) -> Result<Vec<PreTokenizerWrapper>, String> {
    let step = |pattern: &&str| {
        let pattern = SplitPattern::Regex((*pattern).to_owned());
        let split = Split::new(pattern, SplitDelimiterBehavior::Isolated, false);
        split.map(PreTokenizerWrapper::Split).map_err(|error| error.to_string())
    };
    let mut steps = patterns.iter().map(step).collect::<Result<Vec<_>, String>>()?;
    steps.extend(then);
    steps.push(bytes(false));
    Ok(steps)
}

#[cfg(test)]
mod tests {
    use tokenizers::pre_tokenizers::sequence::Sequence;
    use tokenizers::{OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer};

    use super::*;

    /// The pieces of a text, each followed by a stroke, as they are before bytes are made of them.
    fn divided(name: &str, text: &str) -> String {
        let steps = Division::named(name).unwrap().unwrap().pieces;
        let mut pieces = PreTokenizedString::from(text);
        Sequence::new(steps).pre_tokenize(&mut pieces).unwrap();
        let found = pieces.get_splits(OffsetReferential::Original, OffsetType::Byte);
        let found = found.into_iter().map(|(_, (from, to), _)| format!("{}|", &text[from..to]));
        found.collect()
    }

    const LEAN: &str = "theorem x\u{2081} (h : ∀ ε > 0, \u{1d4dd} x ≤ 1234.5) : a ∧ b := by\n  simp [h]\r\n\t-- it's   done  ";

    /// Expected is what `tokenizers` makes of the texts by the `tokenizer.json` of DeepSeek-LLM and of DeepSeek-V3.
    #[test]
    fn deepseek_divides_as_its_own_tokenizers_do() {
        for (name, text, expected) in [
            (
                "deepseek-llm",
                LEAN,
                "theorem| x|\u{2081}| (|h| :| |∀| ε| >| |0|,| \u{1d4dd}| x| |≤| |1|2|3|4|.|5|)| :| a| |∧| b| :=| by|\n| | simp| \
                 [|h|]|\r|\n|\t--| it|'|s|  | done|  |",
            ),
            (
                "deepseek-v3",
                LEAN,
                "theorem| x|\u{2081}| (|h| :| ∀| ε| >| |0|,| \u{1d4dd}| x| ≤| |123|4|.|5|)| :| a| ∧| b| :=| by|\n| | simp| \
                 [|h|]\r\n|\t|--| it|'s|  | done|  |",
            ),
            ("deepseek-llm", "\u{212a} x^2 ⟨α, β⟩ 数学 한", "\u{212a}| x|^|2| |⟨|α|,| β|⟩| |数学| |한|"),
            ("deepseek-v3", "\u{212a} x^2 ⟨α, β⟩ 数学 한", "\u{212a}| x|^|2| ⟨|α|,| β|⟩| |数学| 한|"),
        ] {
            assert_eq!(divided(name, text), expected, "{name}");
        }
    }

    #[test]
    fn every_name_divides_text_without_losing_any() {
        let older = ["gpt2", "llama3", "llama-v3"];
        for name in NAMES.into_iter().chain(older) {
            assert_eq!(divided(name, LEAN).replace('|', ""), LEAN, "{name}");
        }
        assert!(Division::named("viking").unwrap().is_none());
    }

    #[test]
    fn digits_are_divided_by_name() {
        for (name, expected) in [
            ("gpt-2", "1234|"),
            ("refact", "1|2|3|4|"),
            ("qwen2", "1|2|3|4|"),
            ("llama-bpe", "123|4|"),
            ("tekken", "1|2|3|4|"),
            ("deepseek-coder", "1|2|3|4|"),
        ] {
            assert_eq!(divided(name, "1234"), expected, "{name}");
        }
        assert_eq!(divided("tekken", "camelCase"), "camel|Case|");
        assert_eq!(divided("deepseek-coder", "a ≤ b.c\n"), "a| |≤| b|.|c|\n|");
    }

    #[test]
    fn the_first_token_is_the_names_affair_where_the_file_does_not_say() {
        let first = |name: &str| Division::named(name).unwrap().unwrap().first_token;
        assert!(
            ["deepseek-llm", "deepseek-coder", "deepseek-v3", "llama-bpe", "tekken"].into_iter().all(first)
        );
        assert!(!["gpt-2", "smollm", "qwen2"].into_iter().any(first));
    }
}
