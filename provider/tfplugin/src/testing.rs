//! A host for tests: it asks a provider what Terraform would ask, in the same order, through the same
//! server code, and checks every answer against Terraform's rules.
//!
//! Beside the life of a resource it reads data sources ([`Host::data`]), calls functions ([`Host::call`]),
//! runs actions ([`Host::invoke`]) and imports, by id and by identity ([`Host::import_by_identity`]).
//!
//! Methods panic when the *provider* breaks a rule, because that is a failed test. Diagnostics are not
//! broken rules: they are returned.
//!
//! ```
//! # use tfplugin::{testing::Host, *};
//! # use serde::{Deserialize, Serialize};
//! # struct Demo; struct Thing;
//! # #[derive(Deserialize)] struct Config {}
//! # #[async_trait] impl Provider for Demo {
//! #     type Config = Config; type Client = ();
//! #     fn address(&self) -> &str { "registry.terraform.io/example/demo" }
//! #     fn schema(&self) -> Schema { Schema::new("") }
//! #     fn catalog(&self) -> Catalog<()> { Catalog::new().resource(Thing) }
//! #     async fn configure(&self, _: Configure<Config>) -> Result<Configured<()>, Diagnostics> { Ok(Configured::ready(())) }
//! # }
//! # #[derive(Serialize, Deserialize)] struct Model { id: Attr<String>, name: Attr<String> }
//! # #[async_trait] impl Resource for Thing {
//! #     type Model = Model; type Client = ();
//! #     fn type_name(&self) -> &'static str { "demo_thing" }
//! #     fn schema(&self) -> Schema {
//! #         Schema::new("").attribute("id", Attribute::string().computed()).attribute("name", Attribute::string().required())
//! #     }
//! #     async fn create(&self, _: &Context<()>, r: Create<Model>) -> Result<Outcome<Model>, Diagnostics> {
//! #         Ok(Model { id: "1".into(), ..r.planned }.into())
//! #     }
//! #     async fn read(&self, _: &Context<()>, r: Read<Model>) -> Result<Outcome<Model>, Diagnostics> { Ok(r.state.into()) }
//! #     async fn update(&self, _: &Context<()>, r: Update<Model>) -> Result<Outcome<Model>, Diagnostics> {
//! #         Ok(Model { id: "1".into(), ..r.planned }.into())
//! #     }
//! #     async fn delete(&self, _: &Context<()>, _: Delete<Model>) -> Result<Outcome<Model>, Diagnostics> { Ok(Outcome::gone()) }
//! # }
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! use serde_json::json;
//! use tfplugin::testing::{Action, Host, Instance};
//!
//! let host = Host::new(Demo);
//! host.configure(json!({})).await;
//! let mut thing = Instance::new("demo_thing");
//! let config = json!({ "name": "a" });
//! assert_eq!(host.apply(&mut thing, &config).await.action, Action::Create);
//! assert_eq!(host.plan(&mut thing, &config).await.action, Action::NoOp);
//! assert_eq!(thing.json()["id"], "1");
//! host.destroy(&mut thing).await;
//! assert!(!thing.exists());
//! # }
//! ```

#[cfg(test)]
mod demo;
mod function;
mod host;
mod import;
mod input;
mod invoke;
mod proposed;
mod steps;
#[cfg(test)]
mod tests;

pub use host::Host;

use serde_json::Value as Json;

use crate::{diagnostic::Diagnostics, value::Value};
use input::to_json;

/// In a configuration for [`Host`], this text stands for a value that is not known yet.
pub const UNKNOWN: &str = "${unknown}";

/// One resource in the state of a [`Host`].
#[derive(Clone, Debug)]
pub struct Instance {
    /// The resource type.
    pub type_name: String,
    /// The stored state; null when there is none.
    pub state: Value,
    /// The bytes stored beside it.
    pub private: Vec<u8>,
    /// The stored identity; null when there is none.
    pub identity: Value,
    /// Whether the next apply replaces it.
    pub tainted: bool,
}

/// What a plan or an apply does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing.
    NoOp,
    /// Makes the object.
    Create,
    /// Changes the object.
    Update,
    /// Removes the object and makes another.
    Replace,
    /// Removes the object.
    Delete,
    /// Validation or planning failed.
    Refused,
}

/// What came of a plan or an apply.
#[derive(Clone, Debug)]
pub struct Report {
    /// What was planned.
    pub action: Action,
    /// The planned state.
    pub planned: Value,
    /// All messages, in order.
    pub diagnostics: Diagnostics,
    /// Bytes planned beside the state.
    private: Vec<u8>,
    /// The planned identity; null when there is none.
    identity: Value,
}

impl Report {
    /// The planned state as JSON. Unknown values appear as [`UNKNOWN`].
    #[must_use]
    pub fn json(&self) -> Json {
        to_json(&self.planned)
    }

    /// Every message as one text, for assertions.
    #[must_use]
    pub fn text(&self) -> String {
        text(&self.diagnostics)
    }
}

impl Instance {
    /// A resource that does not exist yet.
    #[must_use]
    pub fn new(type_name: &str) -> Self {
        Self {
            type_name: type_name.to_owned(),
            state: Value::Null,
            private: Vec::new(),
            identity: Value::Null,
            tainted: false,
        }
    }

    /// Whether there is a state.
    #[must_use]
    pub fn exists(&self) -> bool {
        !self.state.is_null()
    }

    /// The state as JSON.
    #[must_use]
    pub fn json(&self) -> Json {
        to_json(&self.state)
    }

    /// The identity as JSON.
    #[must_use]
    pub fn identity_json(&self) -> Json {
        to_json(&self.identity)
    }
}

/// A report without a plan.
fn refused(diagnostics: Diagnostics) -> Report {
    Report {
        action: Action::Refused,
        planned: Value::Null,
        diagnostics,
        private: Vec::new(),
        identity: Value::Null,
    }
}

/// Every message as one text, for assertions.
#[must_use]
pub fn text(diagnostics: &Diagnostics) -> String {
    let lines = diagnostics.iter().map(|d| match &d.path {
        Some(path) => format!("{:?}: {}: {} ({path})\n", d.severity, d.summary, d.detail),
        None => format!("{:?}: {}: {}\n", d.severity, d.summary, d.detail),
    });
    lines.collect()
}
