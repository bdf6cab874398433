use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::{Action, LogLevel};

proxy_wasm::main! {{
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_http_context(|_, _| -> Box<dyn HttpContext> { Box::new(B) });
}}

struct B;

impl Context for B {}

impl HttpContext for B {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        let method = self.get_http_request_header(":method");
        let path = self.get_http_request_header(":path");
        let agent = self.get_http_request_header("user-agent");
        let language = self.get_http_request_header("accept-language");
        let tenant = self.get_http_request_header("x-tenant");
        let id = self.get_http_request_header("x-request-id");
        if let (Some(_), Some(path), Some(_), Some(_), Some(tenant), Some(id)) =
            (method, path, agent, language, tenant, id)
        {
            self.set_http_request_header("x-bench-path", Some(&path));
            self.set_http_request_header("x-bench-tenant", Some(&tenant));
            self.set_http_request_header("x-bench-id", Some(&id));
        }
        Action::Continue
    }
}
