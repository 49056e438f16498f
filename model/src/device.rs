//! Choosing the device by name. What a binary can use is decided by its cargo features; what the
//! machine has is only known when the device is first used, so that is tried here.

use std::panic::{AssertUnwindSafe, catch_unwind};

use burn::tensor::{DType, Device, FloatDType, Tensor};

use crate::{DeviceError, ModelError, Precision};

/// The names that [`parse_device`] knows.
pub const DEVICE_NAMES: [&str; 4] = ["auto", "cpu", "wgpu", "cuda"];

/// The numbers of weights, keys and values of a model that is only sampled from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Numbers {
    /// 32 bits, in which models are trained.
    #[default]
    F32,
    /// 16 bits with a fine step and a small range: up to 65,504.
    F16,
    /// 16 bits with a coarse step and the range of 32. The processor keeps 32 and rounds what it multiplies.
    Bf16,
}

impl Numbers {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::F32, Self::F16, Self::Bf16];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
        }
    }

    /// Bytes of a number.
    pub fn bytes(self) -> usize {
        if self == Self::F32 { 4 } else { 2 }
    }

    /// What the processor multiplies for it.
    pub fn precision(self) -> Precision {
        if self == Self::Bf16 { Precision::Bf16 } else { Precision::F32 }
    }

    fn dtype(self) -> FloatDType {
        match self {
            Self::F32 => FloatDType::F32,
            Self::F16 => FloatDType::F16,
            Self::Bf16 => FloatDType::BF16,
        }
    }
}

/// The device of that name. `auto` takes the first of cuda, a wgpu device that is a real GPU, and cpu that works;
/// `wgpu` also takes a driver that computes on the processor.
pub fn parse_device(name: &str) -> Result<Device, DeviceError> {
    parse_sampling_device(name, Numbers::F32)
}

/// The same for models that are only sampled from: what is loaded onto it is kept as such numbers. A device has one kind of
/// numbers as long as the process lives, so it must be the first that is asked for.
///
/// # Errors
/// [`DeviceError::Numbers`] if the device cannot compute with them; the processor knows no F16. For `Bf16` it opens as for 32
/// bits, and [`crate::SampleConfig::precision`] has it round.
pub fn parse_sampling_device(name: &str, numbers: Numbers) -> Result<Device, DeviceError> {
    let processor = || match numbers {
        Numbers::F32 | Numbers::Bf16 => Ok(Device::flex()),
        Numbers::F16 => Err(DeviceError::Numbers { name: "cpu", numbers: numbers.as_str() }),
    };
    match name {
        "auto" => cuda(numbers).ok().or_else(|| gpu(numbers)).map_or_else(processor, Ok),
        "cpu" => processor(),
        "wgpu" => wgpu(numbers),
        "cuda" => cuda(numbers),
        _ => Err(DeviceError::Unknown { name: name.to_owned() }),
    }
}

/// `count - 1` further devices of the kind of `first`, to share the training with it.
///
/// # Errors
/// [`DeviceError::TooFew`] if there are not as many; the processor is one device, whose cores are all used anyway.
pub fn further_devices(first: &Device, count: usize) -> Result<Vec<Device>, DeviceError> {
    let mut others = if count < 2 || *first == Device::flex() { Vec::new() } else { others(first) };
    if others.len() + 1 < count {
        return Err(DeviceError::TooFew { asked: count, found: others.len() + 1 });
    }
    others.truncate(count.saturating_sub(1));
    Ok(others)
}

#[cfg_attr(not(any(feature = "wgpu", feature = "cuda")), allow(unused_variables))]
fn others(first: &Device) -> Vec<Device> {
    let kinds: Vec<burn::tensor::DeviceType> = vec![
        #[cfg(feature = "cuda")]
        burn::tensor::DeviceType::Cuda,
        #[cfg(feature = "wgpu")]
        burn::tensor::DeviceType::Wgpu,
    ];
    let listed = |kind| Device::enumerate(kind).into_vec();
    let of_kind = kinds.into_iter().map(listed).find(|devices| devices.contains(first));
    of_kind.unwrap_or_default().into_iter().filter(|device| device != first).collect()
}

/// Whether this device can add tensors up with others of its kind.
#[cfg(feature = "collective")]
pub(crate) fn is_cuda(device: &Device) -> bool {
    #[cfg(feature = "cuda")]
    return *device != Device::flex()
        && Device::enumerate(burn::tensor::DeviceType::Cuda).contains(&device.clone().without_autodiff());
    #[cfg(not(feature = "cuda"))]
    {
        let _ = device;
        false
    }
}

#[cfg(feature = "wgpu")]
fn wgpu(numbers: Numbers) -> Result<Device, DeviceError> {
    probe("wgpu", numbers, || Device::wgpu(burn::tensor::DeviceKind::DefaultDevice))
}

/// A discrete GPU, or else one that shares the processor's memory.
#[cfg(feature = "wgpu")]
fn gpu(numbers: Numbers) -> Option<Device> {
    use burn::tensor::DeviceKind::{DiscreteGpu, IntegratedGpu};
    if !may_have_gpu() {
        return None;
    }
    let kinds = [DiscreteGpu(0), IntegratedGpu(0)];
    kinds.into_iter().find_map(|kind| probe("wgpu", numbers, || Device::wgpu(kind)).ok())
}

/// Whether it is worth to ask the drivers, which takes time and has them complain on standard error where they find no
/// screen either. Linux has a file for each GPU; elsewhere they must be asked.
#[cfg(feature = "wgpu")]
fn may_have_gpu() -> bool {
    let any = |folder: &str, prefix: &str| {
        let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
        files.into_iter().any(|file| file.file_name().to_string_lossy().starts_with(prefix))
    };
    !cfg!(target_os = "linux") || any("/dev/dri", "render") || any("/dev", "nvidia") || any("/dev", "dxg")
}

#[cfg(not(feature = "wgpu"))]
fn gpu(_: Numbers) -> Option<Device> {
    None
}

#[cfg(not(feature = "wgpu"))]
fn wgpu(_: Numbers) -> Result<Device, DeviceError> {
    Err(DeviceError::NotBuilt { name: "wgpu" })
}

#[cfg(feature = "cuda")]
fn cuda(numbers: Numbers) -> Result<Device, DeviceError> {
    probe("cuda", numbers, || Device::cuda(0))
}

#[cfg(not(feature = "cuda"))]
fn cuda(_: Numbers) -> Result<Device, DeviceError> {
    Err(DeviceError::NotBuilt { name: "cuda" })
}

/// Opens a device and computes with it. Drivers report their absence by panicking, so the panic is
/// caught and its message kept.
#[cfg_attr(not(any(feature = "wgpu", feature = "cuda")), allow(dead_code))]
fn probe(name: &'static str, numbers: Numbers, open: impl FnOnce() -> Device) -> Result<Device, DeviceError> {
    let failed = |reason: &str| DeviceError::Unavailable { name, reason: one_line(reason) };
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let mut device = open();
        // Before the first tensor, which fixes them.
        if numbers != Numbers::F32 && device.configure(numbers.dtype()).is_err() {
            return Err(DeviceError::Numbers { name, numbers: numbers.as_str() });
        }
        let sum = Tensor::<1>::ones([4], &device).sum().try_into_data();
        sum.map(|_| device).map_err(|error| failed(&error.to_string()))
    }));
    std::panic::set_hook(hook);
    outcome.unwrap_or_else(|payload| Err(failed(&panic_text(payload.as_ref()))))
}

/// The values of a tensor, on the host.
pub(crate) fn read_back<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, ModelError> {
    let compute = |reason: String| ModelError::Compute { reason };
    let tensor = if tensor.dtype() == DType::F32 { tensor } else { tensor.cast(FloatDType::F32) };
    let data = tensor.try_into_data().map_err(|error| compute(error.to_string()))?;
    data.try_to_vec::<f32>().map_err(|error| compute(format!("{error:?}")))
}

/// The message of a caught panic.
pub(crate) fn panic_text(payload: &(dyn std::any::Any + Send)) -> String {
    match (payload.downcast_ref::<String>(), payload.downcast_ref::<&str>()) {
        (Some(text), _) => text.clone(),
        (None, Some(text)) => (*text).to_owned(),
        (None, None) => "no message".to_owned(),
    }
}

fn one_line(text: &str) -> String {
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or("no message");
    first.trim().chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_is_answered_with_the_names() {
        let text = parse_device("gpu").unwrap_err().to_string();
        assert!(DEVICE_NAMES.iter().all(|name| text.contains(name)), "{text}");
    }

    #[test]
    fn the_processor_always_works() {
        assert!(parse_device("cpu").is_ok());
        assert!(parse_device("auto").is_ok());
    }

    #[test]
    fn the_processor_computes_with_32_bits_alone() {
        for name in ["cpu", "auto"] {
            let error = parse_sampling_device(name, Numbers::F16).unwrap_err();
            assert_eq!(error, DeviceError::Numbers { name: "cpu", numbers: "f16" });
            assert!(error.to_string().contains("--precision f32"), "{error}");
        }
    }

    #[test]
    fn the_processor_is_one_device() {
        assert_eq!(further_devices(&Device::flex(), 1), Ok(Vec::new()));
        let error = further_devices(&Device::flex(), 2).unwrap_err();
        assert_eq!(error, DeviceError::TooFew { asked: 2, found: 1 });
    }

    #[cfg(not(feature = "cuda"))]
    #[test]
    fn a_device_that_was_not_built_names_the_feature() {
        let error = parse_device("cuda").unwrap_err();
        assert_eq!(error, DeviceError::NotBuilt { name: "cuda" });
        assert!(error.to_string().contains("--features cuda"));
    }

    #[test]
    fn a_driver_that_panics_becomes_one_line() {
        let error = probe("wgpu", Numbers::F32, || panic!("no adapter found\nbacktrace...")).unwrap_err();
        let expected = DeviceError::Unavailable { name: "wgpu", reason: "no adapter found".to_owned() };
        assert_eq!(error, expected);
        assert_eq!(error.to_string().lines().count(), 1);
    }
}
