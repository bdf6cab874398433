// An OpenID provider: whoever signs in gets a token for the service "urn:orders". Any name and password will do.
import { pathToFileURL } from "node:url";
import Provider from "oidc-provider";

/** Starts it on loopback; the same address is the issuer's name. `keys`: private JWKs that it signs with. */
export function startIssuer(port, keys) {
  const provider = new Provider(`http://127.0.0.1:${port}`, {
    clients: [
      {
        client_id: "shop",
        token_endpoint_auth_method: "none",
        redirect_uris: ["http://127.0.0.1:9/callback"],
        application_type: "native",
      },
    ],
    ...(keys ? { jwks: { keys } } : {}),
    cookies: { keys: ["only for this example"] },
    scopes: ["openid", "orders:read"],
    features: {
      devInteractions: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => "urn:orders",
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope: "orders:read",
          audience: "urn:orders",
          accessTokenFormat: "jwt",
          accessTokenTTL: 300,
          jwt: { sign: { alg: "RS256" } },
        }),
      },
    },
  });
  return new Promise((resolve) => {
    const server = provider.listen(port, "127.0.0.1", () => resolve(server));
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  await startIssuer(4000);
  console.log("issuer on http://127.0.0.1:4000");
}
