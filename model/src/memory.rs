//! The memory of this machine and of this process.
//!
//! Whether a model fits is asked before its weights are read: a machine that runs out of memory kills the process without
//! a word.

use std::path::Path;

use burn::tensor::Device;

use crate::{ModelConfig, ModelError};

/// Refuses a model whose weights need more than what is available; only Linux tells, and only of the CPU's memory.
pub(crate) fn require(device: &Device, checkpoint: &Path, config: &ModelConfig) -> Result<(), ModelError> {
    let on_cpu = *device == Device::flex();
    let Some(available) = available().filter(|_| on_cpu) else { return Ok(()) };
    enough(checkpoint, needed(config), available)
}

fn enough(checkpoint: &Path, needed: u64, available: u64) -> Result<(), ModelError> {
    if needed <= available {
        return Ok(());
    }
    Err(ModelError::Memory { checkpoint: checkpoint.to_owned(), needed, available })
}

/// Bytes of the weights as 32-bit numbers, with the largest one once more while it is read.
fn needed(config: &ModelConfig) -> u64 {
    let largest = config.width * config.vocab_size.max(config.ff);
    4 * (config.parameters() + largest) as u64
}

/// Bytes of memory that programs can still get, where the system tells.
pub(crate) fn available() -> Option<u64> {
    size(&std::fs::read_to_string("/proc/meminfo").ok()?, "MemAvailable:")
}

/// Most memory that this process has had, in bytes, since it began or since the last [`reset_peak_memory`]; only Linux
/// tells.
pub fn peak_memory() -> Option<u64> {
    size(&std::fs::read_to_string("/proc/self/status").ok()?, "VmHWM:")
}

/// Forgets the peak: the memory that the process has now is the next one. Where the system or the rights do not allow it,
/// the peak stays that of the whole process.
pub fn reset_peak_memory() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// A size in a file of Linux's, in bytes.
fn size(text: &str, field: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(field))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn the_peak_grows_with_what_is_held() {
        let before = peak_memory().unwrap();
        let held = std::hint::black_box(vec![1_u8; 256 << 20]);
        let after = peak_memory().unwrap();
        assert!(before > 0 && after >= before && after >= held.len() as u64, "{before} {after}");
        assert_eq!(size("VmPeak: 1 kB\nVmHWM:\t  12 kB\n", "VmHWM:"), Some(12 << 10));
        assert_eq!(size("VmHWM:\t  12\n", "VmHWM:"), None);
    }

    #[test]
    fn a_model_that_does_not_fit_is_refused_with_both_numbers() {
        let seven_billion = ModelConfig {
            vocab_size: 102_400,
            layers: 30,
            width: 4096,
            heads: 32,
            kv_heads: 32,
            ff: 11_008,
            tied_embeddings: false,
            ..ModelConfig::default()
        };
        let needed = needed(&seven_billion);
        assert!((27e9..31e9).contains(&(needed as f64)), "{needed}");
        let text = enough(Path::new("prover-7b"), needed, 16 << 30).unwrap_err().to_string();
        assert!(text.contains("prover-7b") && text.contains("29.3 GB") && text.contains("17.2 GB"), "{text}");
        enough(Path::new("x"), 1, 1).unwrap();
    }
}
