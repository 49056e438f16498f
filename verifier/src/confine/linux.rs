//! The sandbox as Linux has it: namespaces, seccomp, Landlock and resource limits.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use landlock::{
    ABI, Access, AccessFs, AccessNet, Ruleset, RulesetAttr, RulesetCreated, RulesetCreatedAttr,
    RulesetStatus, Scope, path_beneath_rules,
};
use nix::sched::{CloneFlags, unshare};
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit, setrlimit};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch,
};

use super::policy::{COMMON_STACK, Ceilings, Policy, Sandbox};
use super::size::status_bytes;

/// The newest Landlock whose rights this module knows; older kernels enforce what they have of them.
const LANDLOCK: ABI = ABI::V6;
/// Where programs keep the loader and the libraries that `execve` must be allowed to open.
const LOADERS: [&str; 5] = ["/lib", "/lib64", "/usr/lib", "/usr/lib64", "/nix/store"];
/// Ticks in a second of `/proc`'s times: a constant of Linux's interface.
const TICKS: u64 = 100;

/// Sockets, other processes, and the machine itself: nothing that Lean needs.
const REFUSED: &[i64] = &[
    libc::SYS_socket,
    libc::SYS_socketpair,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_io_uring_setup,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_getfd,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_open_by_handle_at,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
];

/// Finds what of a sandbox works: each part alone around a program that must still run.
pub(super) fn try_out(policy: &Policy) -> Sandbox {
    let works = |sandbox: Sandbox| {
        let mut trial = policy.trial();
        let enclosed = enclose(&mut trial, policy, sandbox);
        let quiet = trial.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        enclosed.is_ok() && quiet.status().is_ok_and(|status| status.success())
    };
    let sandbox = Sandbox {
        namespace: works(Sandbox { namespace: true, ..Sandbox::default() }),
        calls: works(Sandbox { calls: true, ..Sandbox::default() }),
        files: works(Sandbox { files: true, ..Sandbox::default() }),
        limits: true,
    };
    tracing::debug!("sandbox of Lean processes: {sandbox}");
    sandbox
}

/// The stack of a managed process in bytes, for texts that nest deep; less where the user's own limit is lower.
const STACK: u64 = 128 << 20;

/// Bytes of stack that a managed process may use.
pub(super) fn stack() -> u64 {
    match getrlimit(Resource::Stack).maximum {
        Some(most) if most < STACK => COMMON_STACK,
        _ => STACK,
    }
}

/// Has the process go into its sandbox between `fork` and `exec`.
#[expect(unsafe_code, reason = "what happens between fork and exec is beyond the language's promises")]
pub(super) fn enclose(command: &mut Command, policy: &Policy, sandbox: Sandbox) -> io::Result<()> {
    let filters = if sandbox.calls { filters(policy)? } else { Vec::new() };
    let mut ruleset = if sandbox.files { Some(ruleset(policy)?) } else { None };
    let maximum = getrlimit(Resource::Stack).maximum;
    let deep = matches!(policy, Policy::Alone { .. }) && stack() == STACK;
    let enter = move || {
        if deep {
            setrlimit(Resource::Stack, Rlimit { current: Some(STACK), maximum })?;
        }
        if sandbox.namespace {
            unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNET)?;
        }
        if let Some(ruleset) = ruleset.take() {
            let status = ruleset.restrict_self().map_err(|_| io::ErrorKind::Unsupported)?;
            if status.ruleset == RulesetStatus::NotEnforced {
                return Err(io::ErrorKind::Unsupported.into());
            }
        }
        for filter in &filters {
            seccompiler::apply_filter(filter).map_err(|_| io::ErrorKind::Unsupported)?;
        }
        Ok(())
    };
    // SAFETY: the closure makes system calls with arguments that were computed before the fork. It takes no
    // lock and allocates nothing.
    unsafe { command.pre_exec(enter) };
    Ok(())
}

/// Nothing may be written, no program but its own started, no port used, no stranger signalled.
fn ruleset(policy: &Policy) -> io::Result<RulesetCreated> {
    let program;
    let (handled, writable, executable): (_, Option<&Path>, &[&Path]) = match policy {
        Policy::Alone { program: path } => {
            program = [path.as_path()];
            (AccessFs::from_write(LANDLOCK) | AccessFs::Execute, None, &program)
        }
        Policy::Family { writable } => (AccessFs::from_write(LANDLOCK), writable.as_deref(), &[]),
    };
    let build = || {
        let mut ruleset = Ruleset::default()
            .handle_access(handled)?
            .handle_access(AccessNet::BindTcp | AccessNet::ConnectTcp)?
            .scope(Scope::from_all(LANDLOCK))?
            .create()?
            .add_rules(path_beneath_rules(["/dev/null"], AccessFs::WriteFile))?
            .add_rules(path_beneath_rules(writable, AccessFs::from_write(LANDLOCK)))?;
        if !executable.is_empty() {
            ruleset = ruleset
                .add_rules(path_beneath_rules(executable, AccessFs::Execute))?
                .add_rules(path_beneath_rules(LOADERS, AccessFs::Execute))?;
        }
        Ok::<_, landlock::RulesetError>(ruleset)
    };
    build().map_err(io::Error::other)
}

/// One filter for each answer that a refused call gets.
fn filters(policy: &Policy) -> io::Result<Vec<BpfProgram>> {
    let build = || {
        let mut refused: BTreeMap<i64, Vec<SeccompRule>> =
            REFUSED.iter().map(|&call| (call, Vec::new())).collect();
        // Reading its limits is fine, setting them is not.
        refused.insert(libc::SYS_prlimit64, vec![when(2, SeccompCmpOp::Ne, 0)?]);
        refused.insert(libc::SYS_setrlimit, Vec::new());
        let mut programs = Vec::new();
        if matches!(policy, Policy::Alone { .. }) {
            #[cfg(target_arch = "x86_64")]
            refused.extend([(libc::SYS_fork, Vec::new()), (libc::SYS_vfork, Vec::new())]);
            // Threads are made by the same call as processes.
            let thread = libc::CLONE_THREAD as u64;
            refused.insert(libc::SYS_clone, vec![when(0, SeccompCmpOp::MaskedEq(thread), 0)?]);
            // Its flags are in memory, where a filter cannot look; without it, the C library takes `clone`.
            let unknown = BTreeMap::from([(libc::SYS_clone3, Vec::new())]);
            programs.push(program(unknown, libc::ENOSYS)?);
        }
        programs.push(program(refused, libc::EPERM)?);
        Ok::<_, seccompiler::BackendError>(programs)
    };
    build().map_err(io::Error::other)
}

fn when(argument: u8, compare: SeccompCmpOp, value: u64) -> Result<SeccompRule, seccompiler::BackendError> {
    SeccompRule::new(vec![SeccompCondition::new(argument, SeccompCmpArgLen::Qword, compare, value)?])
}

fn program(
    calls: BTreeMap<i64, Vec<SeccompRule>>,
    answer: i32,
) -> Result<BpfProgram, seccompiler::BackendError> {
    let refuse = SeccompAction::Errno(answer.unsigned_abs());
    let machine = TargetArch::try_from(std::env::consts::ARCH)?;
    SeccompFilter::new(calls, SeccompAction::Allow, refuse, machine)?.try_into()
}

pub(super) fn put_on(ceilings: Ceilings, pid: Option<u32>, sandbox: Sandbox) {
    hard(pid, Resource::Core, 0);
    hard(pid, Resource::Nofile, ceilings.open_files);
    hard(pid, Resource::Fsize, ceilings.file_size);
    if sandbox.namespace {
        hard(pid, Resource::Nproc, ceilings.processes);
    }
}

/// Lets a process use this much more CPU time, summed over its threads, from now on.
pub(crate) fn limit_cpu(pid: Option<u32>, more: Duration) {
    let used = pid.and_then(|pid| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The fields behind the program's name, which may hold anything.
        let fields: Vec<_> = stat.rsplit_once(") ")?.1.split(' ').collect();
        Some((fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?) / TICKS)
    });
    if let Some(used) = used {
        let soft = Rlimit { current: Some(used + more.as_secs() + 1), maximum: None };
        put(pid, Resource::Cpu, soft);
    }
}

/// Lets a process's private memory grow by this many bytes from now on.
///
/// Address space would not do: the engine reserves far more of it than it ever touches.
pub(crate) fn limit_growth(pid: Option<u32>, more: u64) {
    let used = pid.and_then(|pid| status_bytes(pid, "VmData:"));
    if let Some(used) = used {
        hard(pid, Resource::Data, used.saturating_add(more));
    }
}

fn hard(pid: Option<u32>, resource: Resource, value: u64) {
    put(pid, resource, Rlimit { current: Some(value), maximum: Some(value) });
}

fn put(pid: Option<u32>, resource: Resource, limit: Rlimit) {
    let Some(pid) = pid.and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?)) else { return };
    // It fails if the process is gone already, or has a lower limit from its parent.
    if let Err(error) = prlimit(Some(pid), resource, limit) {
        tracing::debug!("no limit on {resource:?} for process {pid:?}: {error}");
    }
}
