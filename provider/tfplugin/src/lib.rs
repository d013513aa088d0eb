//! A framework for Terraform and OpenTofu providers.
//!
//! It speaks version 6 of the plugin protocol and knows nothing about any one cloud. A provider
//! implements [`Provider`], one [`Resource`], [`DataSource`], [`Action`] or [`Function`] per file, and
//! its `main` is one call of [`serve`]:
//!
//! ```no_run
//! use serde::{Deserialize, Serialize};
//! use tfplugin::{
//!     Attr, Attribute, Catalog, Configure, Configured, Context, Create, Delete, Diagnostics, Outcome,
//!     Provider, Read, Resource, Schema, Update, async_trait,
//! };
//!
//! fn main() -> std::process::ExitCode {
//!     tfplugin::serve(Greeter)
//! }
//!
//! struct Greeter;
//!
//! #[derive(Deserialize)]
//! struct Config {}
//!
//! #[async_trait]
//! impl Provider for Greeter {
//!     type Config = Config;
//!     type Client = ();
//!
//!     fn address(&self) -> &str {
//!         "registry.terraform.io/example/greeter"
//!     }
//!
//!     fn schema(&self) -> Schema {
//!         Schema::new("Greets.")
//!     }
//!
//!     fn catalog(&self) -> Catalog<()> {
//!         Catalog::new().resource(Greeting)
//!     }
//!
//!     async fn configure(&self, _: Configure<Config>) -> Result<Configured<()>, Diagnostics> {
//!         Ok(Configured::ready(()))
//!     }
//! }
//!
//! struct Greeting;
//!
//! #[derive(Serialize, Deserialize)]
//! struct Model {
//!     name: Attr<String>,
//!     text: Attr<String>,
//! }
//!
//! #[async_trait]
//! impl Resource for Greeting {
//!     type Model = Model;
//!     type Client = ();
//!
//!     fn type_name(&self) -> &'static str {
//!         "greeter_greeting"
//!     }
//!
//!     fn schema(&self) -> Schema {
//!         Schema::new("A greeting.")
//!             .attribute("name", Attribute::string().required().describe("Whom to greet."))
//!             .attribute("text", Attribute::string().computed().describe("What to say."))
//!     }
//!
//!     async fn create(
//!         &self,
//!         _: &Context<()>,
//!         request: Create<Model>,
//!     ) -> Result<Outcome<Model>, Diagnostics> {
//!         let text = format!("Hello, {}!", request.planned.name.require("name")?);
//!         Ok(Outcome::state(Model { text: text.into(), ..request.planned }))
//!     }
//!
//!     async fn read(&self, _: &Context<()>, request: Read<Model>) -> Result<Outcome<Model>, Diagnostics> {
//!         Ok(Outcome::state(request.state))
//!     }
//!
//!     async fn update(
//!         &self,
//!         cx: &Context<()>,
//!         request: Update<Model>,
//!     ) -> Result<Outcome<Model>, Diagnostics> {
//!         let Update { config, planned, private, .. } = request;
//!         self.create(cx, Create { config, planned, private }).await
//!     }
//!
//!     async fn delete(&self, _: &Context<()>, _: Delete<Model>) -> Result<Outcome<Model>, Diagnostics> {
//!         Ok(Outcome::gone())
//!     }
//! }
//! ```
//!
//! What the framework takes care of:
//!
//! - **Transport.** The host's handshake, a private unix socket (TCP where there is none), and mutual TLS
//!   that accepts the host which started the process and nobody else. See [`serve`].
//! - **Values.** Null, unknown and known are told apart by [`Attr`]; numbers keep every digit; sets are
//!   sets. What does not fit is refused with its path. See [`value`].
//! - **Plans.** Defaults, computed attributes, plan modifiers and replacements, in the order that makes a
//!   second plan empty. [`Resource::modify_plan`] has the last word.
//! - **Identity.** A resource says which of its attributes name an object for ever
//!   ([`Resource::identity`]); the framework sends them wherever a host wants them, and imports by them.
//! - **Functions and actions.** [`Function`] has typed arguments and works before the provider is
//!   configured. The stream of an [`Action`] ends with exactly one completion, however the work ends, and a
//!   slow host neither holds the work up nor makes memory grow. Hosts too old for either do not see them.
//! - **Failures.** Errors become diagnostics, and so do panics. A state can be returned beside an error, so
//!   that nothing which exists is forgotten.
//! - **Ends.** Ctrl-C stops the current work and not the process; the process ends with its host, but never
//!   in the middle of a [`CriticalSection`]. In debug mode it serves any number of hosts, each with its own
//!   settings and its own Ctrl-C, and ends by a signal.
//! - **Tests.** [`testing::Host`] plays Terraform in a unit test and checks every answer against
//!   Terraform's rules.
//!
//! What it does not do: blocks (nested attributes take their place), ephemeral resources, list resources,
//! generated configuration, moves from other resource types, upgrades of stored identities from an older
//! version, deferred changes and state stores. Hosts get a well-formed "there are none" where they ask.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod action;
pub mod check;
pub mod context;
pub mod data_source;
pub mod diagnostic;
pub mod duration;
pub mod function;
pub mod identity;
pub mod limits;
mod logging;
pub mod path;
mod plan;
pub mod provider;
pub mod resource;
pub mod schema;
mod serve;
mod server;
pub mod testing;
pub mod value;
pub mod work;

pub use action::{Action, Progress};
pub use async_trait::async_trait;
pub use context::{Context, CriticalSections};
pub use data_source::DataSource;
pub use diagnostic::{Diagnostic, Diagnostics, Severity};
pub use function::{Function, FunctionError, Parameter, Signature};
pub use identity::{Identity, IdentitySchema};
pub use path::Path;
pub use provider::{Catalog, Configure, Configured, Provider};
pub use resource::{Create, Delete, Outcome, Plan, Read, Resource, Update};
pub use schema::{Attribute, Schema, json::schema_json};
pub use serve::serve;
pub use value::{Attr, Type, Value};
pub use work::{CriticalSection, Stop};
