// Signs in as a browser would (authorization code with PKCE), then calls the service through Envoy with and without the token.
import { createHash, randomBytes } from "node:crypto";
import { pathToFileURL } from "node:url";

/** An access token for `name`. */
export async function signIn(issuer, name) {
  const verifier = randomBytes(32).toString("base64url");
  const query = new URLSearchParams({
    client_id: "shop",
    response_type: "code",
    redirect_uri: "http://127.0.0.1:9/callback",
    scope: "openid orders:read",
    resource: "urn:orders",
    code_challenge: createHash("sha256").update(verifier).digest("base64url"),
    code_challenge_method: "S256",
  });
  const cookies = new Map();
  const ask = async (url, form) => {
    const response = await fetch(url, {
      redirect: "manual",
      method: form ? "POST" : "GET",
      headers: { cookie: [...cookies].map(([key, value]) => `${key}=${value}`).join("; ") },
      ...(form ? { body: new URLSearchParams(form) } : {}),
    });
    for (const line of response.headers.getSetCookie()) {
      const [key, value] = line.split(";")[0].split("=");
      cookies.set(key, value);
    }
    return response;
  };
  let place = `${issuer}/auth?${query}`;
  // The pages: sign in, then consent; each is a form.
  for (let step = 0; step < 12; step++) {
    const response = await ask(place);
    if (response.status === 200) {
      const page = await response.text();
      const action = /action="([^"]+)"/.exec(page)[1];
      const prompt = /name="prompt" value="(\w+)"/.exec(page)[1];
      const posted = await ask(new URL(action, issuer), { prompt, login: name, password: "any" });
      place = new URL(posted.headers.get("location"), issuer).href;
    } else place = new URL(response.headers.get("location"), issuer).href;
    const { hostname, port, searchParams } = new URL(place);
    if (`${hostname}:${port}` === "127.0.0.1:9") {
      const code = searchParams.get("code");
      if (code === null)
        throw new Error(`the issuer answers ${searchParams.get("error")}: ${searchParams.get("error_description")}`);
      const answer = await ask(`${issuer}/token`, {
        grant_type: "authorization_code",
        client_id: "shop",
        redirect_uri: "http://127.0.0.1:9/callback",
        code,
        code_verifier: verifier,
      });
      return (await answer.json()).access_token;
    }
  }
  throw new Error("the issuer never came back");
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const [issuer, proxy] = ["http://127.0.0.1:4000", "http://127.0.0.1:8080"];
  const without = await fetch(`${proxy}/orders`);
  console.log(`without a token: ${without.status}, ${without.headers.get("www-authenticate")}`);
  const token = await signIn(issuer, "alice");
  const answer = await fetch(`${proxy}/orders`, { headers: { authorization: `Bearer ${token}` } });
  const seen = Object.fromEntries((await answer.json()).headers);
  console.log(
    `as alice: ${answer.status}, the service sees x-user: ${seen["x-user"]}, authorization: ${seen["authorization"]}`,
  );
}
