import "../../../../filters/rate-limit/assembly/index";
import "../../jwt-reload/assembly/trap";
