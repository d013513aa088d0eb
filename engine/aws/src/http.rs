//! The HTTP client of every call, those that obtain credentials included.
//!
//! The SDK's own client ignores proxies and bundles of authorities. This one honours
//!
//! - `http_proxy` of the settings for every call; else `HTTPS_PROXY`, `HTTP_PROXY` and `ALL_PROXY`, also in lower case,
//!   each for the calls it is meant for;
//! - `NO_PROXY`: names (a domain counts for what is below it, `*.` in front changes nothing), addresses, networks, `*`.
//!   This machine itself and link-local addresses, where AWS keeps metadata, never go through a proxy;
//! - `custom_ca_bundle` of the settings, else `AWS_CA_BUNDLE`: trusted *in place of* the machine's authorities, as the
//!   AWS tools do.
//!
//! A user and a password in a proxy's URL are sent to the proxy; no error and no log shows them.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use thiserror::Error;
use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;

use crate::limits;
use crate::settings::Settings;

/// Hosts that are never reached through a proxy: this machine, and where AWS keeps the metadata of a machine.
const NEVER_PROXIED: &str =
    "localhost,127.0.0.0/8,::1,169.254.0.0/16,fe80::/10,fd00:ec2::254,fd00:ec2::23";

/// Every name and every address.
const EVERYTHING: &str = "*,0.0.0.0/0,::/0";

/// How calls leave this machine.
#[derive(Clone)]
pub struct Network {
    secure: Option<Proxy>,
    plain: Option<Proxy>,
    no_proxy: String,
    ca_bundle: Option<PathBuf>,
}

/// Why calls cannot leave this machine as configured.
#[derive(Debug, Error)]
pub enum NetworkError {
    /// A proxy is named by something that is not its URL. The text does not show it: it may hold a password.
    #[error(
        "The proxy in {setting} is not usable: {problem}. Write it as http://host:port or \
         http://user:password@host:port, with special characters of the password percent-encoded"
    )]
    Proxy {
        /// Which setting or variable.
        setting: &'static str,
        /// What is wrong.
        problem: &'static str,
    },
    /// The bundle of authorities is not usable.
    #[error(
        "The certificate authorities in {path} are not usable: {problem}. custom_ca_bundle or AWS_CA_BUNDLE names a \
         file of PEM certificates that are trusted in place of the machine's own"
    )]
    CaBundle {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
}

/// A proxy, and which setting named it.
#[derive(Clone)]
struct Proxy {
    url: String,
    setting: &'static str,
}

impl Network {
    /// How calls leave this machine, by the settings and the environment of this process.
    ///
    /// # Errors
    ///
    /// When a proxy is named by something that is not its URL.
    pub fn from_environment(settings: &Settings) -> Result<Self, NetworkError> {
        Self::new(settings, &|name| std::env::var(name).ok())
    }

    /// How calls leave this machine, by the settings and these variables.
    ///
    /// # Errors
    ///
    /// When a proxy is named by something that is not its URL.
    pub fn new(
        settings: &Settings,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, NetworkError> {
        let set = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        let first = |names: &[&'static str]| {
            names
                .iter()
                .find_map(|name| set(name).map(|url| Proxy::new(&url, name)))
        };
        let explicit = settings
            .http_proxy
            .as_deref()
            .filter(|url| !url.trim().is_empty())
            .map(|url| Proxy::new(url, "http_proxy"));
        let (secure, plain) = match explicit {
            Some(proxy) => {
                let proxy = proxy?;
                (Some(proxy.clone()), Some(proxy))
            }
            None => (
                first(&["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]).transpose()?,
                first(&["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"]).transpose()?,
            ),
        };
        let ca_bundle = settings
            .custom_ca_bundle
            .clone()
            .or_else(|| set("AWS_CA_BUNDLE").map(PathBuf::from));
        Ok(Self {
            secure,
            plain,
            no_proxy: no_proxy(
                &set("NO_PROXY")
                    .or_else(|| set("no_proxy"))
                    .unwrap_or_default(),
            ),
            ca_bundle,
        })
    }

    /// The client.
    ///
    /// # Errors
    ///
    /// When the bundle of authorities is not usable.
    pub fn client(&self) -> Result<SharedHttpClient, NetworkError> {
        let trust = match &self.ca_bundle {
            Some(path) => bundle(path)?,
            None => machine(),
        };
        // Building the context cannot fail: it only holds what it was given.
        let tls = TlsContext::builder()
            .with_trust_store(trust)
            .build()
            .unwrap_or_default();
        let needs_tls = |proxy: &Option<Proxy>| {
            proxy
                .as_ref()
                .is_some_and(|proxy| proxy.url.starts_with("https://"))
        };
        let plain_tls = needs_tls(&self.plain).then(|| tls.clone());
        Ok(SharedHttpClient::new(ByScheme {
            secure: client(Some(tls), self.proxy(&self.secure)?),
            plain: client(plain_tls, self.proxy(&self.plain)?),
        }))
    }

    /// What a person should know about the way to a URL, e.g. `through the proxy http://proxy:3128 (HTTPS_PROXY)`.
    pub fn way_to(&self, url: &str) -> Option<String> {
        let proxy = if url.starts_with("http://") {
            &self.plain
        } else {
            &self.secure
        };
        proxy.as_ref().map(|proxy| {
            format!(
                "through the proxy {} ({}) unless NO_PROXY exempts it",
                proxy.shown(),
                proxy.setting
            )
        })
    }

    /// The file of authorities that are trusted, where one is configured.
    pub fn ca_bundle(&self) -> Option<&Path> {
        self.ca_bundle.as_deref()
    }

    fn proxy(&self, proxy: &Option<Proxy>) -> Result<ProxyConfig, NetworkError> {
        match proxy {
            None => Ok(ProxyConfig::disabled()),
            Some(proxy) => Ok(proxy.config()?.no_proxy(&self.no_proxy)),
        }
    }
}

/// Shows no more than is safe to show.
impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network")
            .field("secure", &self.secure.as_ref().map(Proxy::shown))
            .field("plain", &self.plain.as_ref().map(Proxy::shown))
            .field("no_proxy", &self.no_proxy)
            .field("ca_bundle", &self.ca_bundle)
            .finish()
    }
}

impl Proxy {
    fn new(url: &str, setting: &'static str) -> Result<Self, NetworkError> {
        let url = url.trim();
        let url = if url.contains("://") {
            url.to_owned()
        } else {
            format!("http://{url}")
        };
        let proxy = Self { url, setting };
        let supported = ["http://", "https://"]
            .iter()
            .any(|scheme| proxy.url.starts_with(scheme));
        if !supported {
            return Err(proxy.unusable("only http and https proxies are supported"));
        }
        // What looks like a path or a query with an @ in it is a password with a character that is not encoded.
        let after_host = proxy.url.splitn(4, '/').nth(3).unwrap_or_default();
        if after_host.contains('@') {
            return Err(proxy.unusable("it is not a URL"));
        }
        proxy.config()?;
        Ok(proxy)
    }

    fn config(&self) -> Result<ProxyConfig, NetworkError> {
        ProxyConfig::all(self.url.as_str()).map_err(|_| self.unusable("it is not a URL"))
    }

    fn unusable(&self, problem: &'static str) -> NetworkError {
        NetworkError::Proxy {
            setting: self.setting,
            problem,
        }
    }

    /// The proxy without user and password.
    fn shown(&self) -> String {
        let (scheme, rest) = self.url.split_once("://").unwrap_or(("http", &self.url));
        let after_user = rest.rsplit('@').next().unwrap_or_default();
        let host = after_user.split(['/', '?', '#']).next().unwrap_or_default();
        format!("{scheme}://{host}")
    }
}

/// The rules of `NO_PROXY` in the form that the client knows, with those that always count.
fn no_proxy(rules: &str) -> String {
    rules
        .split([',', ' '])
        .map(|rule| rule.trim().trim_start_matches("*."))
        .filter(|rule| !rule.is_empty())
        // To the client, * stands for every name, but for no address.
        .map(|rule| if rule == "*" { EVERYTHING } else { rule })
        .chain([NEVER_PROXIED])
        .collect::<Vec<_>>()
        .join(",")
}

/// The authorities of a file. What is wrong with it is found here, because the client would panic over it later.
fn bundle(path: &Path) -> Result<TrustStore, NetworkError> {
    let unusable = |problem: String| NetworkError::CaBundle {
        path: path.to_owned(),
        problem,
    };
    let mut pem = Vec::new();
    File::open(path)
        .and_then(|file| file.take(limits::CA_BUNDLE_BYTES + 1).read_to_end(&mut pem))
        .map_err(|error| unusable(error.to_string()))?;
    if pem.len() as u64 > limits::CA_BUNDLE_BYTES {
        return Err(unusable(format!(
            "it has more than {} bytes",
            limits::CA_BUNDLE_BYTES
        )));
    }
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| unusable(error.to_string()))?;
        roots
            .add(certificate)
            .map_err(|error| unusable(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(unusable("there is no certificate in it".to_owned()));
    }
    Ok(TrustStore::empty().with_pem_certificate(pem))
}

/// The authorities of this machine. A machine without any, e.g. a bare container, can still call a plain endpoint.
fn machine() -> TrustStore {
    if rustls_native_certs::load_native_certs().certs.is_empty() {
        tracing::warn!(
            "this machine has no certificate authorities; calls to AWS will fail until they are installed \
             (package ca-certificates) or custom_ca_bundle names a file of them"
        );
        return TrustStore::empty();
    }
    TrustStore::empty().with_native_roots(true)
}

/// A client with one proxy rule, with or without TLS.
fn client(tls: Option<TlsContext>, proxy: ProxyConfig) -> SharedHttpClient {
    Builder::new().build_with_connector_fn(move |settings, components| {
        let mut connector = Connector::builder().proxy_config(proxy.clone());
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        match &tls {
            Some(tls) => connector
                .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
                .tls_context(tls.clone())
                .build(),
            None => connector.build_http(),
        }
    })
}

/// One client for `https` and one for `http`, because each has its own proxy. Each is made when it is first needed, so
/// that plain endpoints need no authorities at all.
#[derive(Clone, Debug)]
struct ByScheme {
    secure: SharedHttpClient,
    plain: SharedHttpClient,
}

impl HttpClient for ByScheme {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(BySchemeConnector {
            clients: self.clone(),
            settings: settings.clone(),
            components: components.clone(),
        })
    }
}

#[derive(Debug)]
struct BySchemeConnector {
    clients: ByScheme,
    settings: HttpConnectorSettings,
    components: RuntimeComponents,
}

impl HttpConnector for BySchemeConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let client = if request.uri().starts_with("https:") {
            &self.clients.secure
        } else {
            &self.clients.plain
        };
        // The client keeps one connector per settings, so this finds the pool of the calls before.
        client
            .http_connector(&self.settings, &self.components)
            .call(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(settings: &Settings, variables: &[(&str, &str)]) -> Result<Network, NetworkError> {
        Network::new(settings, &|name| {
            variables
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    fn shown(proxy: &Option<Proxy>) -> Option<String> {
        proxy.as_ref().map(Proxy::shown)
    }

    #[test]
    fn each_scheme_has_its_variable_and_the_setting_counts_for_both() {
        let variables = [
            ("https_proxy", "http://secure:1"),
            ("HTTP_PROXY", "plain:2"),
            ("ALL_PROXY", "http://all:3"),
        ];
        let found = network(&Settings::default(), &variables).expect("usable");
        assert_eq!(shown(&found.secure).as_deref(), Some("http://secure:1"));
        assert_eq!(shown(&found.plain).as_deref(), Some("http://plain:2"));
        let found = network(&Settings::default(), &variables[2..]).expect("usable");
        assert_eq!(shown(&found.secure).as_deref(), Some("http://all:3"));
        let explicit = Settings {
            http_proxy: Some("https://explicit:4".to_owned()),
            ..Settings::default()
        };
        let found = network(&explicit, &variables).expect("usable");
        assert_eq!(shown(&found.secure).as_deref(), Some("https://explicit:4"));
        assert_eq!(shown(&found.plain).as_deref(), Some("https://explicit:4"));
    }

    #[test]
    fn no_text_shows_a_password() {
        let variables = [("HTTPS_PROXY", "http://joe:s3cret%40@proxy:3128/path")];
        let found = network(&Settings::default(), &variables).expect("usable");
        let way = found
            .way_to("https://drs.us-east-1.amazonaws.com")
            .expect("a proxy");
        assert!(
            way.contains("http://proxy:3128") && way.contains("HTTPS_PROXY"),
            "{way}"
        );
        for text in [way, format!("{found:?}")] {
            assert!(!text.contains("s3cret") && !text.contains("joe"), "{text}");
        }
        for wrong in [
            "http://joe:s3cret@",
            "http://joe:12/s3@proxy",
            "socks5://joe:s3cret@proxy",
            "http://joe:s3 cret@proxy",
        ] {
            let error = network(&Settings::default(), &[("HTTPS_PROXY", wrong)]).expect_err(wrong);
            assert!(!format!("{error} {error:?}").contains("s3"), "{error}");
        }
    }

    #[test]
    fn rules_of_no_proxy_are_brought_into_the_clients_form() {
        assert_eq!(
            no_proxy(" *.corp.example, .internal 10.0.0.0/8,, * "),
            format!("corp.example,.internal,10.0.0.0/8,{EVERYTHING},{NEVER_PROXIED}")
        );
    }

    #[test]
    fn a_bundle_that_is_no_bundle_is_named() {
        for (content, problem) in [
            ("", "no certificate"),
            ("-----BEGIN CERTIFICATE-----\nx", ""),
        ] {
            let path = std::env::temp_dir().join(format!("{}.pem", crate::fresh::id("bundle")));
            std::fs::write(&path, content).expect("a temporary file");
            let settings = Settings {
                custom_ca_bundle: Some(path.clone()),
                ..Settings::default()
            };
            let error = network(&settings, &[])
                .expect("usable")
                .client()
                .expect_err("no bundle");
            let text = error.to_string();
            std::fs::remove_file(&path).expect("it was just made");
            assert!(text.contains("bundle-") && text.contains(problem), "{text}");
        }
    }
}
