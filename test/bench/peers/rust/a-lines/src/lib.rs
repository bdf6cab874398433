// Workload A for a filter that must not miss a second line of a name: all lines are read.

use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::{Action, LogLevel};

proxy_wasm::main! {{
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_http_context(|_, _| -> Box<dyn HttpContext> { Box::new(A) });
}}

struct A;

impl Context for A {}

impl HttpContext for A {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        let lines = self.get_http_request_headers();
        let tenants: Vec<&str> = lines
            .iter()
            .filter(|(name, _)| name == "x-tenant")
            .map(|(_, value)| value.as_str())
            .collect();
        if !tenants.is_empty() {
            self.set_http_request_header("x-bench-tenant", Some(&tenants.join(", ")));
        }
        Action::Continue
    }

    fn on_http_response_headers(&mut self, _: usize, _: bool) -> Action {
        self.add_http_response_header("x-bench-added", "1");
        self.set_http_response_header("x-bench-removed", None);
        Action::Continue
    }
}
