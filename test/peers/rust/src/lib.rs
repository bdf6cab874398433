use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, Bytes, ContextType, LogLevel, MetricType, Status};
use std::time::Duration;

proxy_wasm::main! {{
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_root_context(|_| -> Box<dyn RootContext> { Box::<Root>::default() });
}}

#[derive(Default)]
struct Root {
    greeting: String,
    requests: u32,
    ticks: u32,
    queue: u32,
}

impl Context for Root {}

impl RootContext for Root {
    fn on_vm_start(&mut self, _: usize) -> bool {
        let vm = self.get_vm_configuration().unwrap_or_default();
        proxy_wasm::hostcalls::log(LogLevel::Info, &format!("vm {}", text(&vm))).is_ok()
    }

    fn on_configure(&mut self, _: usize) -> bool {
        self.greeting = text(&self.get_plugin_configuration().unwrap_or_default());
        if self.greeting == "refuse" {
            return false;
        }
        let define = proxy_wasm::hostcalls::define_metric;
        self.requests = define(MetricType::Counter, "peer.requests").unwrap();
        self.ticks = define(MetricType::Counter, "peer.ticks").unwrap();
        self.queue = self.register_shared_queue("peer");
        self.set_tick_period(Duration::from_millis(50));
        true
    }

    fn on_tick(&mut self) {
        proxy_wasm::hostcalls::increment_metric(self.ticks, 1).unwrap();
    }

    fn on_queue_ready(&mut self, queue: u32) {
        if let Ok(Some(item)) = self.dequeue_shared_queue(queue) {
            proxy_wasm::hostcalls::log(LogLevel::Info, &format!("queue {}", text(&item))).unwrap();
        }
    }

    fn create_http_context(&self, _: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Stream {
            greeting: self.greeting.clone(),
            requests: self.requests,
            queue: self.queue,
            auth: String::new(),
        }))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

struct Stream {
    greeting: String,
    requests: u32,
    queue: u32,
    auth: String,
}

impl Stream {
    /// Counts in shared data, until no other writer came between.
    fn count(&self) -> u32 {
        loop {
            let (value, cas) = self.get_shared_data("peer.count");
            let count = value.map_or(0, |bytes| text(&bytes).parse().unwrap()) + 1;
            match self.set_shared_data("peer.count", Some(count.to_string().as_bytes()), cas) {
                Err(Status::CasMismatch) => continue,
                done => done.unwrap(),
            }
            return count;
        }
    }
}

impl Context for Stream {
    fn on_http_call_response(&mut self, _: u32, headers: usize, body: usize, _: usize) {
        self.auth = if headers == 0 {
            "failed".to_string()
        } else {
            let status = self.get_http_call_response_header(":status").unwrap_or_default();
            let answer: Bytes = self.get_http_call_response_body(0, body).unwrap_or_default();
            format!("{} {}", status, text(&answer))
        };
        self.set_http_request_header("x-auth", Some(&self.auth));
        self.resume_http_request();
    }
}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        proxy_wasm::hostcalls::increment_metric(self.requests, 1).unwrap();
        let path = self.get_http_request_header(":path").unwrap_or_default();
        let property = self.get_property(vec!["request", "path"]).unwrap_or_default();
        self.set_http_request_header("x-path", Some(&text(&property)));
        self.add_http_request_header("x-count", &self.count().to_string());
        self.set_http_request_header("x-remove", None);
        match path.as_str() {
            "/deny" => {
                self.send_http_response(403, vec![("x-denied", "yes")], Some(b"denied"));
                return Action::Pause;
            }
            "/queue" => self.enqueue_shared_queue(self.queue, Some(b"item")).unwrap(),
            "/call" => {
                let headers = vec![(":method", "GET"), (":path", "/check"), (":authority", "auth")];
                let sent = self.dispatch_http_call("auth", headers, None, vec![], Duration::from_secs(1));
                return if sent.is_ok() { Action::Pause } else { Action::Continue };
            }
            "/trap" => panic!("trapped on purpose"),
            _ => (),
        }
        Action::Continue
    }

    fn on_http_request_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        if !end_of_stream {
            return Action::Pause;
        }
        let body = self.get_http_request_body(0, size).unwrap_or_default();
        self.set_http_request_body(0, size, text(&body).to_uppercase().as_bytes());
        Action::Continue
    }

    fn on_http_response_headers(&mut self, _: usize, _: bool) -> Action {
        self.set_http_response_header("x-greeting", Some(&self.greeting));
        self.set_http_response_header("content-length", None);
        Action::Continue
    }

    fn on_http_response_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        if end_of_stream {
            self.set_http_response_body(size, 0, b" and more");
        }
        Action::Continue
    }

    fn on_log(&mut self) {
        let code = self.get_property(vec!["response", "code"]).unwrap_or_default();
        let code = code.try_into().map_or(0, u64::from_le_bytes);
        proxy_wasm::hostcalls::log(LogLevel::Info, &format!("code {code}")).unwrap();
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
