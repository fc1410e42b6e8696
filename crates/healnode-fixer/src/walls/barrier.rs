//! Raises walls around the calling thread and all that it starts: Landlock for files, TCP ports and signals, seccomp for the rest.
//!
//! Landlock knows TCP only, and only its plain form. So every other kind of socket is refused by number, and with it the calls that lead
//! around a list of calls. What may be touched is decided by the caller.

use std::collections::BTreeMap;

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, LandlockStatus, NetPort, RestrictionStatus, Ruleset, RulesetAttr as _, RulesetCreatedAttr as _,
    RulesetError, Scope, path_beneath_rules,
};
use rustix::thread::{CapabilitySet, CapabilitySets};
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule, TargetArch,
};

use super::{Walls, WallsReport};

/// The rules of Landlock that are asked for; a kernel with fewer keeps to those that it knows.
const LANDLOCK: ABI = ABI::V7;

/// Devices that may be read and written: they hold nothing.
const DEVICES: [&str; 5] = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"];

/// Calls that nobody needs who mends code: other ways to sockets and files, keys of the user, the machine itself.
const REFUSED: [libc::c_long; 21] = [
    libc::SYS_io_uring_setup,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_setns,
    libc::SYS_unshare,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_open_by_handle_at,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
];

/// What is added to the number of a call in the 32-bit form of the 64-bit interface, which some kernels offer beside it.
const X32: i64 = 0x4000_0000;

/// Kinds of sockets other than a stream.
const NO_STREAMS: [libc::c_int; 5] = [libc::SOCK_DGRAM, libc::SOCK_RAW, libc::SOCK_RDM, libc::SOCK_SEQPACKET, libc::SOCK_DCCP];

/// The bits of a socket's type that say which kind it is; the others are flags.
const SOCKET_KIND: u64 = 0xf;

/// Gives up what the superuser may, for a node that runs as one: some of it looks over every wall. Nothing that is executed gets it back.
fn give_up_capabilities() -> Result<(), String> {
    let none = CapabilitySets { effective: CapabilitySet::empty(), permitted: CapabilitySet::empty(), inheritable: CapabilitySet::empty() };
    rustix::thread::set_capabilities(None, none).map_err(|error| error.to_string())
}

/// Binds the calling thread for good. Says what the kernel enforces; fails when it has walls and refuses these.
pub(super) fn raise(walls: &Walls) -> Result<WallsReport, String> {
    let landlock = landlock(walls).map_err(|error| error.to_string())?;
    let abi = match landlock.landlock {
        LandlockStatus::Available { effective_abi, .. } => effective_abi,
        LandlockStatus::NotEnabled | LandlockStatus::NotImplemented => ABI::Unsupported,
    };
    give_up_capabilities()?;
    let calls = seccomp(walls)?;
    Ok(WallsReport { files: abi >= ABI::V1, ports: abi >= ABI::V4, signals: abi >= ABI::V6, calls })
}

fn landlock(walls: &Walls) -> Result<RestrictionStatus, RulesetError> {
    let read = AccessFs::from_read(LANDLOCK);
    let device = AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::Truncate | AccessFs::IoctlDev;
    let ports = walls.ports.iter().map(|port| Ok::<_, RulesetError>(NetPort::new(*port, AccessNet::ConnectTcp)));
    Ruleset::default()
        .handle_access(AccessFs::from_all(LANDLOCK))?
        .handle_access(AccessNet::from_all(LANDLOCK))?
        .scope(Scope::from_all(LANDLOCK))?
        .create()?
        .add_rules(path_beneath_rules(&walls.readable, read))?
        .add_rules(path_beneath_rules(&walls.writable, AccessFs::from_all(LANDLOCK)))?
        .add_rules(path_beneath_rules(DEVICES, device))?
        .add_rules(ports)?
        .restrict_self()
}

/// Whether the list of calls holds. It does not on a processor that the list is not written for, or in a kernel without it.
fn seccomp(walls: &Walls) -> Result<bool, String> {
    let Ok(processor) = TargetArch::try_from(std::env::consts::ARCH) else {
        return Ok(false);
    };
    let filter = filter(walls, processor).map_err(|error| error.to_string())?;
    Ok(seccompiler::apply_filter(&filter).is_ok())
}

fn filter(walls: &Walls, processor: TargetArch) -> Result<BpfProgram, BackendError> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = REFUSED.iter().map(|call| (*call, Vec::new())).collect();
    rules.insert(libc::SYS_socket, if walls.ports.is_empty() { Vec::new() } else { no_plain_tcp()? });
    for (call, flags) in [(libc::SYS_sendto, 3), (libc::SYS_sendmsg, 2), (libc::SYS_sendmmsg, 3)] {
        let fast_open = libc::MSG_FASTOPEN as u64;
        rules.insert(call, vec![SeccompRule::new(vec![is(flags, SeccompCmpOp::MaskedEq(fast_open), fast_open)?])?]);
    }
    if cfg!(target_arch = "x86_64") {
        rules.extend(rules.clone().into_iter().map(|(call, rules)| (call | X32, rules)));
    }
    let refuse = SeccompAction::Errno(libc::EACCES.unsigned_abs());
    SeccompFilter::new(rules, SeccompAction::Allow, refuse, processor)?.try_into()
}

/// Rules for `socket`, of which each refuses: any family but IPv4 and IPv6, any kind but a stream, any protocol but TCP.
fn no_plain_tcp() -> Result<Vec<SeccompRule>, BackendError> {
    let no_internet = [is(0, SeccompCmpOp::Ne, libc::AF_INET as u64)?, is(0, SeccompCmpOp::Ne, libc::AF_INET6 as u64)?];
    let no_tcp = [is(2, SeccompCmpOp::Ne, 0)?, is(2, SeccompCmpOp::Ne, libc::IPPROTO_TCP as u64)?];
    let mut rules = vec![SeccompRule::new(no_internet.into())?, SeccompRule::new(no_tcp.into())?];
    for kind in NO_STREAMS {
        rules.push(SeccompRule::new(vec![is(1, SeccompCmpOp::MaskedEq(SOCKET_KIND), kind as u64)?])?);
    }
    Ok(rules)
}

fn is(argument: u8, comparison: SeccompCmpOp, value: u64) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, comparison, value)
}
