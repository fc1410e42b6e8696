//! The fixers that are a model: the Copilot CLI, and any endpoint that speaks as OpenAI's does.
//!
//! Both talk to a provider that the operator chose; its key stays in this process. What they may change is decided after them, by the
//! difference that they leave; what is refused here already is refused so that the model hears of it.

mod answer;
// mod copilot;
mod limits;
mod openai;
mod place;
mod provider;
mod proxy;
mod upstream;

#[cfg(test)]
#[path = "../tests/model/mod.rs"]
mod model;
