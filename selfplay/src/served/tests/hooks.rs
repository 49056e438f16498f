//! The commands of `examples/` that start servers again, with scripts in place of the servers.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command};

use super::*;

/// The programs that they start.
const PROGRAMS: [&str; 2] = ["vllm", "transformers"];

/// A command that starts a script where it would start a program, in a folder of its own.
struct Hook {
    program: &'static str,
    folder: tempfile::TempDir,
    address: SocketAddr,
}

impl Hook {
    /// Of a script with these lines, for the server at that address.
    fn new(program: &'static str, address: SocketAddr, lines: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let text = folder.path().join("lines");
        fs::write(&text, format!("#!/bin/sh\n{lines}\n")).unwrap();
        // Written by a process of its own: no test that starts one at this moment may hold the script open.
        let mut install = Command::new("install");
        install.args(["-m", "755"]).arg(&text).arg(folder.path().join(program));
        assert!(install.status().unwrap().success());
        Self { program, folder, address }
    }

    fn settings(&self) -> Servers {
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
        let script = examples.join(format!("serve-{}.sh", self.program));
        let place = self.folder.path().display();
        let variables = format!("PATH='{place}':\"$PATH\" TMPDIR='{place}'");
        Servers {
            urls: vec![format!("http://{}", self.address)],
            model: "{name}".to_owned(),
            reload: format!("{variables} sh '{}'", script.display()),
            ..settings(&[])
        }
    }

    /// Why a run could not sample after it.
    fn error(&self) -> String {
        let (result, said) = sample(&served(&self.settings()).0, requests(1, 1));
        assert!(said.is_empty());
        result.unwrap_err().to_string()
    }

    /// Says that this process is the server that was started before.
    fn has_started(&self, server: &Child) {
        let file = format!("stp-{}-{}.pid", self.program, self.address.port());
        fs::write(self.folder.path().join(file), server.id().to_string()).unwrap();
    }
}

/// Where nobody listens.
fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

#[test]
fn a_server_that_dies_at_its_start_is_shown_with_its_last_words() {
    for program in PROGRAMS {
        let text = Hook::new(program, free(), "echo no room here >&2; exit 3").error();
        for part in ["no room here", "ended before it answered", "sampling.server.reload", ".log"] {
            assert!(text.contains(part), "{text}");
        }
    }
}

#[test]
fn nothing_is_started_beside_a_server_of_others() {
    for program in PROGRAMS {
        let other = Fake::new(|got, _| texts(got, 99));
        let address = other.url.strip_prefix("http://").unwrap().parse().unwrap();
        let hook = Hook::new(program, address, "touch \"$TMPDIR/started\"");
        let text = hook.error();
        assert!(text.contains("already listens") && text.contains(&other.url), "{text}");
        assert!(!hook.folder.path().join("started").exists());
        assert!(other.bodies().is_empty(), "it may have old weights");
    }
}

#[test]
fn only_a_server_of_its_own_kind_is_ended() {
    if !Path::new("/proc/self/cmdline").exists() {
        return;
    }
    for program in PROGRAMS {
        let lines = "if [ \"$1\" != old ]; then exit 3; fi; while [ -e \"$0\" ]; do sleep 0.1; done";
        let hook = Hook::new(program, free(), lines);
        let mut stranger = Command::new("sleep").arg("600").spawn().unwrap();
        hook.has_started(&stranger);
        hook.error();
        assert!(stranger.try_wait().unwrap().is_none(), "its number was another server's");
        stranger.kill().unwrap();
        stranger.wait().unwrap();
        let mut old = Command::new(hook.folder.path().join(program)).arg("old").spawn().unwrap();
        hook.has_started(&old);
        hook.error();
        assert!(old.try_wait().unwrap().is_some(), "it would have gone on with old weights");
    }
}

#[test]
fn a_run_samples_once_the_server_answers() {
    for program in PROGRAMS {
        let address = free();
        // It ends with the folder.
        let hook = Hook::new(program, address, "touch \"$0.on\"; while [ -e \"$0\" ]; do sleep 0.1; done");
        let (on, pid) = (format!("{program}.on"), format!("stp-{program}-{}.pid", address.port()));
        let (on, pid) = (hook.folder.path().join(on), hook.folder.path().join(pid));
        std::thread::spawn(move || {
            while !on.exists() {
                std::thread::sleep(Duration::from_millis(20));
            }
            Fake::on(TcpListener::bind(address).unwrap(), |got, _| texts(got, 99))
        });
        let (served, told) = served(&hook.settings());
        let (result, said) = sample(&served, requests(2, 2));
        result.unwrap();
        require_each_once(&said, 2, 2);
        assert!(fs::read_to_string(pid).unwrap().trim().parse::<u32>().is_ok());
        assert_eq!(*told.lock().unwrap(), ["Reloads"]);
    }
}
