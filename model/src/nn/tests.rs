use burn::tensor::{Bool, Int, TensorData};

use super::*;
use crate::{Device, ModelConfig};
use burn::tensor::Tensor;

fn model(tied_embeddings: bool) -> Lm {
    let config = ModelConfig {
        vocab_size: 30,
        layers: 2,
        width: 24,
        heads: 6,
        kv_heads: 2,
        ff: 20,
        max_seq: 80,
        tied_embeddings,
        ..ModelConfig::default()
    };
    Lm::init(&config, &Device::flex(), 1).unwrap()
}

fn tokens(rows: &[&[i64]]) -> Tensor<2, Int> {
    let shape = [rows.len(), rows[0].len()];
    Tensor::from_data(TensorData::new(rows.concat(), shape), &Device::flex())
}

fn sequence(len: usize, seed: usize) -> Vec<i64> {
    (0..len).map(|i| ((i * i * 5 + seed * 11 + i) % 30) as i64).collect()
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec::<f32>().unwrap()
}

fn assert_close(left: &[f32], right: &[f32]) {
    assert_eq!(left.len(), right.len());
    for (a, b) in left.iter().zip(right) {
        assert!((a - b).abs() < 1e-4, "{a} and {b} differ");
    }
}

#[test]
fn decoding_with_a_cache_equals_one_pass() {
    for tied in [true, false] {
        let model = model(tied);
        let text = sequence(70, 0);
        let full = values(model.forward(tokens(&[&text]), None));
        let mut cache = KvCache::new(2, vec![0]);
        for (range, last) in std::iter::once((0..5, 4)).chain((5..70).map(|i| (i..i + 1, i))) {
            let logits = values(model.extend(tokens(&[&text[range]]), &mut cache));
            assert_close(&logits, &full[last * 30..(last + 1) * 30]);
        }
    }
}

#[test]
fn left_padding_does_not_change_the_logits() {
    let model = model(true);
    let text = sequence(9, 3);
    let alone = values(model.forward(tokens(&[&text]), None));
    let padded = [vec![0; 4], text].concat();
    let mask = [[false; 4].as_slice(), &[true; 9]].concat();
    let mask = Tensor::<2, Bool>::from_data(TensorData::new(mask, [1, 13]), &Device::flex());
    let logits = values(model.forward(tokens(&[&padded]), Some(mask)));
    assert_close(&logits[4 * 30..], &alone);
    let mut cache = KvCache::new(2, vec![4]);
    assert_close(&values(model.extend(tokens(&[&padded]), &mut cache)), &alone[8 * 30..]);
}

#[test]
fn right_padding_does_not_change_the_logits_before_it() {
    let model = model(true);
    let text = sequence(9, 3);
    let alone = values(model.forward(tokens(&[&text]), None));
    let padded = [text, vec![0; 4]].concat();
    assert_close(&values(model.forward(tokens(&[&padded]), None))[..9 * 30], &alone);
}

#[test]
fn rows_can_leave_and_join_a_cache() {
    let model = model(true);
    let texts = [sequence(6, 1), sequence(6, 2), sequence(3, 4)];
    let mut cache = KvCache::new(2, vec![0, 0]);
    model.extend(tokens(&[&texts[0], &texts[1]]), &mut cache);
    cache.select(&[1]);
    let mut shorter = KvCache::new(2, vec![0]);
    model.extend(tokens(&[&texts[2]]), &mut shorter);
    cache.append(shorter);
    assert_eq!(cache.pads(), [0, 3]);
    let logits = values(model.extend(tokens(&[&[7], &[8]]), &mut cache));
    for (row, (text, next)) in [(&texts[1], 7), (&texts[2], 8)].into_iter().enumerate() {
        let whole = [text.as_slice(), &[next]].concat();
        let full = values(model.forward(tokens(&[&whole]), None));
        assert_close(&logits[row * 30..(row + 1) * 30], &full[full.len() - 30..]);
    }
    cache.select(&[1, 1]);
    assert_eq!((cache.pads(), cache.len()), ([0, 0].as_slice(), 4));
}

#[test]
fn the_seed_decides_the_weights() {
    let config = model(true).config().clone();
    let logits = |seed| {
        let model = Lm::init(&config, &Device::flex(), seed).unwrap();
        values(model.forward(tokens(&[&[1, 2, 3]]), None))
    };
    assert_eq!(logits(7), logits(7));
    assert_ne!(logits(7), logits(8));
}

#[test]
fn the_configuration_counts_the_parameters() {
    use burn::module::Module;
    for tied in [true, false] {
        let model = model(tied);
        assert_eq!(model.num_params(), model.config().parameters());
    }
}

#[test]
fn gradients_flow_through_the_same_function() {
    use burn::module::Module;
    let model = model(true);
    let input = tokens(&[&sequence(12, 5)]);
    let plain = values(model.forward(input.clone(), None));
    let tracked = model.train().forward(input.autodiff(), None).inner();
    assert_close(&values(tracked), &plain);
}
