//! What a Lean process cannot do even if a text got hold of the program that runs it.
//!
//! The program's own permission model is left out here, so that each refusal is the kernel's.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

mod common;

use std::net::{TcpListener, UdpSocket};

use stp_verifier::toolchain::Toolchain;
use stp_verifier::{Sandbox, managed_program};

/// Runs a script and gives what it printed.
fn run(script: &str) -> String {
    let output = managed_program(&common::managed()).unwrap().args(["-e", script]).output().unwrap();
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// What becomes of an attempt: `done`, or the system's word for its failure.
fn attempt(code: &str) -> String {
    run(&format!("try {{ {code}; console.log('done') }} catch (e) {{ console.log(e.code) }}"))
}

fn sandbox() -> Sandbox {
    Sandbox::around(&Toolchain::Managed(common::managed()))
}

#[test]
fn what_stands_is_said() {
    let sandbox = sandbox();
    assert!(sandbox.limits, "{sandbox}");
    // What the machine of the tests has decides how much the other tests of this file can show.
    println!("sandbox: {sandbox}");
    assert_eq!(attempt("require('fs').readFileSync('/proc/self/status')"), "done");
}

#[test]
fn no_network() {
    let sandbox = sandbox();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let said = run(&format!(
        "require('net').connect({port}, '127.0.0.1').on('connect', () => {{ console.log('done'); process.exit() }})\
         .on('error', (e) => console.log(e.code))"
    ));
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_nonblocking(true).unwrap();
    let port = socket.local_addr().unwrap().port();
    run(&format!(
        "const s = require('dgram').createSocket('udp4'); s.on('error', () => {{}}); s.send('x', {port}, '127.0.0.1', () => process.exit())"
    ));
    if sandbox.calls || sandbox.namespace {
        assert!(["EPERM", "EACCES", "ECONNREFUSED", "ENETUNREACH"].contains(&said.as_str()), "{said}");
        assert!(listener.accept().is_err(), "nobody came");
        assert!(socket.recv(&mut [0; 8]).is_err(), "nothing came");
    }
}

#[test]
fn no_other_process() {
    let sandbox = sandbox();
    if sandbox.calls {
        assert_eq!(
            attempt("require('child_process').execFileSync(process.execPath, ['--version'])"),
            "EPERM"
        );
        // A fork bomb of one generation.
        let bomb = "const one = () => require('child_process').spawnSync(process.execPath, ['--version']).error;\
                    console.log(Array.from({ length: 500 }, one).every((error) => error?.code === 'EPERM'))";
        assert_eq!(run(bomb), "true");
        assert_eq!(attempt("new (require('worker_threads').Worker)('0', { eval: true })"), "done", "threads");
    }
    if sandbox.files {
        assert_eq!(attempt("process.kill(process.ppid, 0)"), "EPERM");
    }
    assert_eq!(attempt("process.kill(process.pid, 0)"), "done");
}

#[test]
fn no_file_is_written() {
    if !sandbox().files {
        return;
    }
    let lean = common::managed();
    let folder = tempfile::tempdir().unwrap();
    let theirs = folder.path().join("theirs");
    std::fs::write(&theirs, "x").unwrap();
    let library = lean.library.join("Init.olean");
    for code in [
        format!("require('fs').writeFileSync({:?}, 'y')", folder.path().join("new").display().to_string()),
        format!("require('fs').writeFileSync({:?}, 'y')", theirs.display().to_string()),
        format!("require('fs').unlinkSync({:?})", theirs.display().to_string()),
        format!("require('fs').openSync({:?}, 'r+')", library.display().to_string()),
        format!("require('fs').writeFileSync({:?}, 'y')", lean.root.join("evil").display().to_string()),
    ] {
        assert_eq!(attempt(&code), "EACCES", "{code}");
    }
    assert_eq!(std::fs::read_to_string(&theirs).unwrap(), "x");
    assert_eq!(attempt("require('fs').writeFileSync('/dev/null', 'y')"), "done");
}
