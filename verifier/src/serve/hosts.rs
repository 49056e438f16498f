//! By which names a server may be asked.
//!
//! A web page can have its own name resolved to this machine and then talk to a server here as if it were its
//! own (DNS rebinding). Its requests still carry the page's name, so only names of this server are answered. A
//! page can also send to this machine's address without reading the answer; such a request has an `Origin`,
//! which must be this server's own. Programs that are no browsers send none.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use serde_json::json;

/// A name that no request can have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no host name. Give --allow-host a name or an address alone, without http:// and without a path, such as lean.example.org."
)]
pub struct HostError(String);

/// The names of a server.
#[derive(Clone, Debug)]
pub struct Hosts {
    address: IpAddr,
    /// What it was asked to listen on.
    listen: Option<String>,
    /// Those that were allowed besides, whose pages may also send requests.
    allowed: BTreeSet<String>,
}

impl Hosts {
    /// Names of the machine for itself, the address that is listened on (`listen` as it was asked for, `address`
    /// as it came out), and `more`.
    ///
    /// # Errors
    /// [`HostError`] if one of `more` is no name.
    pub fn new(listen: &str, address: SocketAddr, more: &[String]) -> Result<Self, HostError> {
        let listen = listen.rsplit_once(':').and_then(|(host, _)| name_of(host));
        let name = |name: &String| name_of(name).ok_or_else(|| HostError(name.clone()));
        let allowed = more.iter().map(name).collect::<Result<_, _>>()?;
        Ok(Self { address: address.ip().to_canonical(), listen, allowed })
    }

    /// The router, answering requests to these names only.
    pub fn guard(self, router: Router) -> Router {
        router.layer(middleware::from_fn_with_state(Arc::new(self), require_host))
    }

    /// Whether `host`, perhaps with a port behind it, is one of the names.
    fn allows(&self, host: &str) -> bool {
        let Some(name) = name_of(host) else { return false };
        let given = self.listen.as_ref() == Some(&name) || self.allowed.contains(&name);
        given
            || match name.parse::<IpAddr>() {
                // Whoever listens on all addresses of a machine has as many, and a page's name is never one.
                Ok(address) => {
                    address.to_canonical().is_loopback()
                        || self.address.is_unspecified()
                        || address.to_canonical() == self.address
                }
                Err(_) => name == "localhost" || name.ends_with(".localhost"),
            }
    }

    /// What is wrong with where a request comes from and goes to, if anything is.
    fn refusal(&self, request: &Request) -> Option<String> {
        let line = request.uri().authority().map(Authority::as_str);
        let headers = request.headers().get_all(header::HOST).iter();
        let asked: Vec<_> = headers.map(|value| value.to_str().unwrap_or_default()).chain(line).collect();
        if let Some(host) = asked.iter().find(|host| !self.allows(host)) {
            return Some(format!(
                "`{host}` is not a name of this server, which answers to localhost, its address, and names given \
                 with --allow-host"
            ));
        }
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        let origin = request.headers().get(header::ORIGIN).filter(|_| !reads)?;
        let origin = origin.to_str().unwrap_or_default();
        let from = origin.split_once("://").map_or("", |(_, from)| from);
        let own = asked.iter().any(|host| host.eq_ignore_ascii_case(from));
        let known = || name_of(from).is_some_and(|name| self.allowed.contains(&name));
        (!own && !known()).then(|| {
            format!("web pages of `{origin}` may not send requests here, only those of names given with --allow-host")
        })
    }
}

/// The name in `NAME`, `NAME:PORT` or an address with or without brackets, in lower case.
fn name_of(host: &str) -> Option<String> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Some(address.to_string());
    }
    let authority: Authority = host.parse().ok()?;
    let name = authority.host().trim_start_matches('[').trim_end_matches(']');
    let name = name.strip_suffix('.').unwrap_or(name);
    (!name.is_empty() && !host.contains('@')).then(|| name.to_ascii_lowercase())
}

async fn require_host(State(hosts): State<Arc<Hosts>>, request: Request, next: Next) -> Response {
    match hosts.refusal(&request) {
        Some(detail) => (StatusCode::FORBIDDEN, Json(json!({ "detail": detail }))).into_response(),
        None => next.run(request).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(listen: &str, address: &str, more: &[&str]) -> Hosts {
        let more: Vec<_> = more.iter().map(|&name| name.to_owned()).collect();
        Hosts::new(listen, address.parse().unwrap(), &more).unwrap()
    }

    #[test]
    fn only_names_of_the_server_are_its_own() {
        let local = hosts("127.0.0.1:0", "127.0.0.1:8000", &["Lean.example.org"]);
        for host in [
            "localhost",
            "LOCALHOST:8000",
            "localhost.",
            "x.localhost:1",
            "127.0.0.1:8000",
            "127.1.2.3",
            "[::1]:8000",
            "[::ffff:127.0.0.1]",
            "lean.example.org:443",
        ] {
            assert!(local.allows(host), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "evil.example:8000",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "localhost@evil.example",
            "evil.example@localhost",
            "10.0.0.5:8000",
            "0.0.0.0:8000",
            "notlean.example.org",
            "a b",
        ] {
            assert!(!local.allows(host), "{host}");
        }
    }

    #[test]
    fn the_address_listened_on_is_a_name() {
        let one = hosts("lean-box:8000", "10.0.0.5:8000", &[]);
        assert!(one.allows("lean-box:8000") && one.allows("10.0.0.5:8000") && !one.allows("10.0.0.6"));
        let all = hosts("0.0.0.0:8000", "0.0.0.0:8000", &[]);
        assert!(all.allows("10.0.0.6:8000") && all.allows("[fe80::1]:8000") && !all.allows("evil.example"));
        let six = hosts("[::1]:8000", "[::1]:8000", &["10.0.0.7"]);
        assert!(six.allows("[::1]:8000") && six.allows("10.0.0.7:1") && !six.allows("[::2]"));
    }

    #[test]
    fn a_name_that_no_request_can_have_is_refused() {
        let address = "127.0.0.1:1".parse().unwrap();
        for name in ["http://lean.example.org", "lean.example.org/x", "", "a@b"] {
            let error = Hosts::new("127.0.0.1:1", address, &[name.to_owned()]).unwrap_err();
            assert!(error.to_string().contains("--allow-host"), "{name}");
        }
    }
}
