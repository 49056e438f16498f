//! How texts lie in the rows of a batch. Several texts may share a row; none looks at another.

use burn::tensor::{Device, Int, Tensor, TensorData};

use super::mask::HIDDEN;

/// The lengths of the texts in each row; a row's end may be unused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    rows: Vec<Vec<usize>>,
    time: usize,
}

impl Layout {
    /// Rows as long as the fullest one.
    pub(crate) fn new(rows: Vec<Vec<usize>>) -> Self {
        let time = rows.iter().map(|texts| texts.iter().sum()).max().unwrap_or_default();
        Self { rows, time }
    }

    /// How many rows.
    pub(crate) fn batch(&self) -> usize {
        self.rows.len()
    }

    /// Tokens a row.
    pub(crate) fn time(&self) -> usize {
        self.time
    }

    /// The lengths of all texts, if there is nothing unused.
    pub(crate) fn packed(&self) -> Option<Vec<usize>> {
        let full = self.rows.iter().all(|texts| texts.iter().sum::<usize>() == self.time);
        full.then(|| self.rows.concat())
    }

    /// The position of each token in its text; 0 where there is none.
    pub(crate) fn positions(&self, device: &Device) -> Tensor<1, Int> {
        let mut values = Vec::with_capacity(self.batch() * self.time);
        for texts in &self.rows {
            let start = values.len();
            texts.iter().for_each(|&len| values.extend(0..len as i64));
            values.resize(start + self.time, 0);
        }
        let len = values.len();
        Tensor::from_data(TensorData::new(values, [len]), device)
    }

    /// Added to the scores, `[batch, 1, group * time, time]`: a token sees its own text up to itself.
    pub(crate) fn bias(&self, group: usize, device: &Device) -> Tensor<4> {
        let time = self.time;
        let mut values = vec![HIDDEN; self.batch() * group * time * time];
        for (texts, values) in self.rows.iter().zip(values.chunks_exact_mut(group * time * time)) {
            for head in values.chunks_exact_mut(time * time) {
                let mut start = 0;
                for &len in texts {
                    for query in start..start + len {
                        head[query * time + start..=query * time + query].fill(0.0);
                    }
                    start += len;
                }
            }
        }
        let shape = [self.batch(), 1, group * time, time];
        Tensor::from_data(TensorData::new(values, shape), device)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_in_a_row_begin_anew_and_do_not_see_each_other() {
        let layout = Layout::new(vec![vec![2, 1], vec![2]]);
        assert_eq!((layout.batch(), layout.time(), layout.packed()), (2, 3, None));
        let positions = layout.positions(&Device::flex()).into_data();
        let positions: Vec<i64> = positions.iter::<i64>().collect();
        assert_eq!(positions, [0, 1, 0, 0, 1, 0]);
        let bias: Vec<f32> = layout.bias(1, &Device::flex()).into_data().try_to_vec().unwrap();
        let seen: Vec<bool> = bias.iter().map(|&bias| bias == 0.0).collect();
        let first = [true, false, false, true, true, false, false, false, true];
        assert_eq!(seen[..9], first);
        assert_eq!(Layout::new(vec![vec![1, 2], vec![3]]).packed(), Some(vec![1, 2, 3]));
    }
}
