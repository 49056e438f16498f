//! Texts as vectors: the mean of the last hidden states, which says what a text is about.

use burn::module::Module;
use burn::tensor::{Int, Tensor, TensorData};

use crate::device::read_back;
use crate::parallel::Workers;
use crate::sample::check_tokens;
use crate::{Lm, ModelError, Special};

/// One vector of the model's width for each text, in the order of the texts. `batch` texts are read at a time; those
/// of about the same length together.
///
/// # Errors
/// [`ModelError::Prompt`] for a text without tokens or longer than the model's sequences, and
/// [`ModelError::Setting`] for a batch of 0.
pub fn embed(model: &Lm, texts: &[Vec<u32>], batch: usize) -> Result<Vec<Vec<f32>>, ModelError> {
    ModelError::require_some("batch", batch)?;
    for (request, text) in texts.iter().enumerate() {
        let refused = |reason| Err(ModelError::Prompt { request, reason });
        let (len, max_seq) = (text.len(), model.config().max_seq);
        if len == 0 {
            return refused("it is empty; give it at least one token".to_owned());
        }
        if len > max_seq {
            return refused(format!("its {len} tokens are more than `max_seq` = {max_seq}; shorten it"));
        }
        check_tokens(model, text)?;
    }
    let model = model.valid();
    let workers = Workers::new(&model.device(), batch)?;
    let mut order: Vec<usize> = (0..texts.len()).collect();
    order.sort_by_key(|&index| texts[index].len());
    let mut found = vec![Vec::new(); texts.len()];
    for chunk in order.chunks(batch) {
        let shares = chunk.chunks(chunk.len().div_ceil(workers.count())).collect();
        for part in workers.map(shares, |share: &[usize]| read(&model, texts, share)) {
            for (index, vector) in part? {
                found[index] = vector;
            }
        }
    }
    Ok(found)
}

/// The vectors of some texts, read side by side. They are filled up on the right, where no text looks.
fn read(model: &Lm, texts: &[Vec<u32>], share: &[usize]) -> Result<Vec<(usize, Vec<f32>)>, ModelError> {
    let time = share.iter().map(|&index| texts[index].len()).max().unwrap_or_default();
    let (mut tokens, mut weights) = (Vec::new(), Vec::new());
    for &index in share {
        let (text, pads) = (&texts[index], time - texts[index].len());
        tokens.extend(text.iter().map(|&token| i64::from(token)));
        tokens.extend(std::iter::repeat_n(i64::from(Special::Pad.id()), pads));
        weights.extend(std::iter::repeat_n((text.len() as f32).recip(), text.len()));
        weights.extend(std::iter::repeat_n(0.0, pads));
    }
    let device = model.device();
    let tokens = Tensor::<2, Int>::from_data(TensorData::new(tokens, [share.len(), time]), &device);
    let weights = Tensor::<3>::from_data(TensorData::new(weights, [share.len(), 1, time]), &device);
    let values = read_back(weights.matmul(model.hidden(tokens, None)))?;
    Ok(share.iter().copied().zip(values.chunks(model.config().width).map(<[f32]>::to_vec)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Device, ModelConfig};

    fn model() -> Lm {
        let config = ModelConfig {
            vocab_size: 40,
            layers: 2,
            width: 24,
            ff: 30,
            max_seq: 16,
            ..ModelConfig::default()
        };
        Lm::init(&config, &Device::flex(), 3).unwrap()
    }

    #[test]
    fn neighbours_and_padding_change_nothing() {
        let model = model();
        let texts: Vec<Vec<u32>> = [3usize, 16, 1, 7, 7, 2]
            .map(|len| (0..len as u32).map(|i| 8 + (i * 5 + len as u32) % 30).collect())
            .into();
        let together = embed(&model, &texts, 5).unwrap();
        for (text, vector) in texts.iter().zip(&together) {
            let alone = embed(&model, std::slice::from_ref(text), 1).unwrap();
            assert_eq!(vector.len(), 24);
            assert!(vector.iter().zip(&alone[0]).all(|(a, b)| (a - b).abs() < 1e-5));
        }
        let tokens =
            Tensor::<2, Int>::from_data(TensorData::new(vec![8i64 + 3, 16, 21], [1, 3]), &Device::flex());
        let mean: Vec<f32> = model.hidden(tokens, None).mean_dim(1).into_data().try_to_vec().unwrap();
        assert!(mean.iter().zip(&together[0]).all(|(a, b)| (a - b).abs() < 1e-5), "it is the mean");
    }

    #[test]
    fn bad_texts_are_named() {
        let model = model();
        let refusal = |texts: &[Vec<u32>]| embed(&model, texts, 2).unwrap_err().to_string();
        assert!(refusal(&[vec![9], vec![]]).contains("Prompt 1"));
        assert!(refusal(&[vec![9; 17]]).contains("17 tokens"));
        assert!(refusal(&[vec![40]]).contains("Token id 40"));
        assert!(embed(&model, &[], 2).unwrap().is_empty());
    }
}
