/-!
The environment that `stp --project lean-project` judges proofs in: core Lean, nothing more.

Add `require`d packages to `lakefile.toml` and imports to the statements' headers to judge proofs that
need them.
-/
