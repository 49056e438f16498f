//! Arithmetic on slices, compiled for each level of vector instructions; the machine's is picked when it runs.

mod amx;
mod attention;
mod bf16;
mod matmul;
mod rows;
mod weights;

pub(crate) use attention::{Gradients, Heads, Inputs, attention, attention_backward};
pub(crate) use bf16::{Bf16Matrix, Bf16Scratch};
pub(crate) use matmul::{Into, Matrix, Scratch, matmul};
pub(crate) use rows::*;
pub(crate) use weights::{AdamStep, adamw, add, scale, sum_of_squares};
