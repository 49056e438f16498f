//! `stp verify` with real Lean: rows in all their forms, interrupted and gone on with, Lean files, formats, exit codes.

mod common;
mod files;
mod reports;
mod resume;
mod rows;
