import "../../../../filters/jwt-auth/assembly/index";
import "./trap";
