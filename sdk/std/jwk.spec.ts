import { Curve } from "./curve";
import { JsonDocument } from "./json-value";
import { Jwk, writeJwk } from "./jwk";
import { KeyType } from "./key-material";
import { refusalReason } from "./refusal";

const P256 =
  '{"kty":"EC","crv":"P-256","x":"Pgg8fZSQ_ApNOt3zsOsK9g39UWfIZ3ZErTdI3sy6WlU","y":"zcUGrRiyNDwTaEKDnZdNccZGTLoIvcXOdX3uatDopN8"}';

function jwkOf(json: string): Jwk | null {
  return Jwk.of(JsonDocument.fromText(json).root);
}

function reason(json: string): string {
  return jwkOf(json) ? "" : refusalReason;
}

describe("JWK", () => {
  it("reads keys and writes them again", () => {
    const key = jwkOf(P256)!;
    expect(key.material.type).toBe(KeyType.Ec);
    expect(key.material.curve).toBe(Curve.P256);
    expect(key.kid === null).toBe(true);
    expect(key.isPrivate).toBe(false);
    expect(writeJwk(key.material)).toBe(P256);
    const secret = jwkOf('{"kty":"oct","k":"c2VjcmV0","kid":"a","alg":"HS256","use":"sig","key_ops":["verify"]}')!;
    expect(secret.material.first.toString()).toBe("secret");
    expect(secret.kid!).toBe("a");
    expect(secret.alg!).toBe("HS256");
    expect(secret.use!).toBe("sig");
    expect(secret.keyOps!.length).toBe(1);
    expect(writeJwk(secret.material, "a")).toBe('{"kty":"oct","kid":"a","k":"c2VjcmV0"}');
  });

  it("refuses what is none", () => {
    expect(reason("[]")).toBe("a key is no object");
    expect(reason("nonsense")).toBe("a key is no object");
    expect(reason("{}")).toBe("kty is missing");
    expect(reason('{"kty":"EC"}')).toBe("crv is missing or no string");
    expect(reason('{"kty":"oct","k":"c2VjcmV0="}')).toBe("k is not base64url");
    expect(reason('{"kty":"oct","k":""}')).toBe("the secret is empty or too long");
    expect(reason('{"kty":"oct","k":"c2VjcmV0","kid":1}')).toBe("kid is no string");
    expect(reason(P256.replace("P-256", "P-384"))).toBe("a coordinate is of another length than the curve's");
  });
});
