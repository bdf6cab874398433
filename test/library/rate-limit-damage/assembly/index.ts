import "../../../../filters/rate-limit/assembly/index";
import "./damage";
