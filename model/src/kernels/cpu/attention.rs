//! Causal attention over texts that lie one after the other, forwards and backwards.
//!
//! Scores are made for a block of queries at a time and never kept: the backward pass makes them again, which costs
//! one product and spares memory of the square of a text's length. Keys that a block cannot see are left out.

use super::matmul::{Into, Matrix, Scratch, matmul};
use super::rows::{softmax, softmax_backward};

/// Heads of `dim` numbers; query heads are a multiple of the key heads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Heads {
    pub queries: usize,
    pub keys: usize,
    pub dim: usize,
}

/// Queries whose scores are made together.
const BLOCK: usize = 32;

/// Queries, keys and values of all texts: `[rows, heads * dim]` each.
#[derive(Clone, Copy)]
pub(crate) struct Inputs<'a> {
    pub query: &'a [f32],
    pub key: &'a [f32],
    pub value: &'a [f32],
    pub heads: Heads,
    /// Length of each text; together all rows.
    pub texts: &'a [usize],
}

/// Gradients of the inputs, to be added to.
pub(crate) struct Gradients<'a> {
    pub query: &'a mut [f32],
    pub key: &'a mut [f32],
    pub value: &'a mut [f32],
}

/// Buffers of one head of one text.
#[derive(Default)]
struct Buffers {
    key_columns: Vec<f32>,
    value_columns: Vec<f32>,
    weights: Vec<f32>,
    slopes: Vec<f32>,
    scratch: Scratch,
}

/// One query head of one text: where its numbers begin, and how long the text is.
struct Head {
    query: usize,
    key: usize,
    len: usize,
}

impl Inputs<'_> {
    fn scale(&self) -> f32 {
        (self.heads.dim as f32).sqrt().recip()
    }

    fn query_stride(&self) -> usize {
        self.heads.queries * self.heads.dim
    }

    fn key_stride(&self) -> usize {
        self.heads.keys * self.heads.dim
    }

    /// Goes through the texts and heads; `fresh` says that the key head is another one than before.
    fn each_head(&self, mut visit: impl FnMut(Head, bool)) {
        let group = self.heads.queries / self.heads.keys;
        let mut row = 0;
        for &len in self.texts {
            for head in 0..self.heads.queries {
                let query = row * self.query_stride() + head * self.heads.dim;
                let key = row * self.key_stride() + head / group * self.heads.dim;
                visit(Head { query, key, len }, head % group == 0);
            }
            row += len;
        }
    }

    fn queries<'a>(&self, data: &'a [f32], head: &Head, first: usize, rows: usize) -> Matrix<'a> {
        let stride = self.query_stride();
        Matrix::strided(&data[head.query + first * stride..], rows, self.heads.dim, stride)
    }

    fn keys<'a>(&self, data: &'a [f32], head: &Head, rows: usize) -> Matrix<'a> {
        Matrix::strided(&data[head.key..], rows, self.heads.dim, self.key_stride())
    }

    /// Attention weights of a block of queries for the keys `0..seen`, in the buffer.
    fn weights(&self, head: &Head, first: usize, rows: usize, seen: usize, buffers: &mut Buffers) {
        let keys = Matrix::strided(&buffers.key_columns, self.heads.dim, seen, head.len);
        let queries = self.queries(self.query, head, first, rows);
        buffers.weights.resize(rows * seen, 0.0);
        matmul(queries, keys, &mut buffers.weights, seen, Into::Set, &mut buffers.scratch);
        softmax(&mut buffers.weights, seen, first, self.scale());
    }
}

/// Copies the rows of one head as columns.
fn columns(rows: Matrix, out: &mut Vec<f32>) {
    out.resize(rows.rows * rows.cols, 0.0);
    for row in 0..rows.rows {
        let values = &rows.data[row * rows.row_stride..][..rows.cols];
        out[row..].iter_mut().step_by(rows.rows).zip(values).for_each(|(to, from)| *to = *from);
    }
}

/// The mixed values `[rows, queries * dim]`.
pub(crate) fn attention(inputs: Inputs, out: &mut [f32]) {
    let mut buffers = Buffers::default();
    inputs.each_head(|head, fresh| {
        if fresh {
            columns(inputs.keys(inputs.key, &head, head.len), &mut buffers.key_columns);
        }
        for first in (0..head.len).step_by(BLOCK) {
            let rows = BLOCK.min(head.len - first);
            let seen = first + rows;
            inputs.weights(&head, first, rows, seen, &mut buffers);
            let weights = Matrix::dense(&buffers.weights, rows, seen);
            let values = inputs.keys(inputs.value, &head, seen);
            let stride = inputs.query_stride();
            let out = &mut out[head.query + first * stride..];
            matmul(weights, values, out, stride, Into::Set, &mut buffers.scratch);
        }
    });
}

/// Adds the gradients of the inputs for that of the output.
pub(crate) fn attention_backward(inputs: Inputs, slope: &[f32], gradients: Gradients) {
    let mut buffers = Buffers::default();
    let (query_stride, key_stride) = (inputs.query_stride(), inputs.key_stride());
    inputs.each_head(|head, fresh| {
        if fresh {
            columns(inputs.keys(inputs.key, &head, head.len), &mut buffers.key_columns);
            columns(inputs.keys(inputs.value, &head, head.len), &mut buffers.value_columns);
        }
        for first in (0..head.len).step_by(BLOCK) {
            let rows = BLOCK.min(head.len - first);
            let seen = first + rows;
            inputs.weights(&head, first, rows, seen, &mut buffers);
            let Buffers { value_columns, weights, slopes, scratch, .. } = &mut buffers;
            let above = inputs.queries(slope, &head, first, rows);
            slopes.resize(rows * seen, 0.0);
            let values = Matrix::strided(value_columns, inputs.heads.dim, seen, head.len);
            matmul(above, values, slopes, seen, Into::Set, scratch);
            softmax_backward(weights, slopes, seen, first, inputs.scale());
            let (weights, slopes) = (Matrix::dense(weights, rows, seen), Matrix::dense(slopes, rows, seen));
            let queries = inputs.queries(inputs.query, &head, first, rows);
            let keys = inputs.keys(inputs.key, &head, seen);
            let to = &mut gradients.query[head.query + first * query_stride..];
            matmul(slopes, keys, to, query_stride, Into::Add, scratch);
            matmul(
                slopes.transposed(),
                queries,
                &mut gradients.key[head.key..],
                key_stride,
                Into::Add,
                scratch,
            );
            let to = &mut gradients.value[head.key..];
            matmul(weights.transposed(), above, to, key_stride, Into::Add, scratch);
        }
    });
}
