//! The fixers that there are: a command, the Copilot CLI, and any endpoint that speaks as OpenAI's does.
//!
//! The latter two talk to a provider that the operator chose; its key stays in this process. What a fixer may change is decided after it, by
//! the difference that it leaves; what is refused here already is refused so that the model hears of it.

mod answer;
mod command;
mod copilot;
mod limits;
mod openai;
mod place;
mod provider;
mod proxy;
mod upstream;

pub(crate) use command::CommandAgent;
pub(crate) use copilot::Copilot;
pub use copilot::{CopilotAccount, CopilotConfig, CopilotError, CopilotProbe, probe as probe_copilot};
pub(crate) use openai::OpenAi;
pub use openai::OpenAiConfig;
pub use provider::{InvalidProvider, Provider, ProviderKey, WireApi};

#[cfg(test)]
#[path = "../tests/model/mod.rs"]
mod model;
