#!/usr/bin/env bash
# Regenerates the test keys in fuzz/pki and the seeds of the loader and of the server's certificates. The keys are test data, which no system trusts.
#
# Iteration counts are small, so that the fuzzer spends its time on parsing and not on key derivation.
set -euo pipefail
cd "$(dirname "$0")"

password='hunter2~secret'
export OPENSSL_CONF=/dev/null
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
rm -rf pki seeds/loader seeds/flight
mkdir -p pki seeds/loader seeds/flight

# The extensions of each kind of certificate.
cat >"$work/extensions" <<'END'
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
[client]
keyUsage = critical, digitalSignature
extendedKeyUsage = clientAuth
[server]
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost, IP:127.0.0.1
END

# certificate NAME SECTION SUBJECT ISSUER: creates a certificate for NAME.key that is valid for a hundred years.
certificate() {
    local issuer=(-CA "pki/$4.pem" -CAkey "pki/$4.key")
    openssl req -new -key "pki/$1.key" -subj "$3" -config /dev/null -out "$work/csr" 2>/dev/null ||
        openssl req -new -key "pki/$1.key" -subj "$3" -out "$work/csr"
    [ "$4" != self ] || issuer=(-signkey "pki/$1.key")
    openssl x509 -req -in "$work/csr" -days 36500 -set_serial "$RANDOM" -extfile "$work/extensions" \
        -extensions "$2" "${issuer[@]}" -out "pki/$1.pem" 2>/dev/null
}

for name in root server client; do
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out pki/$name.key 2>/dev/null
done
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out pki/issuing.key 2>/dev/null
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out pki/rsa.key 2>/dev/null
openssl genpkey -algorithm ED25519 -out pki/ed25519.key
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-521 -out pki/p521.key 2>/dev/null
certificate root ca '/O=Example Org/CN=Fuzz Root' self
certificate issuing ca '/O=Example Org/CN=Fuzz Issuing' root
certificate server server '/O=Example Org/CN=localhost' root
certificate client client '/O=Example Org/CN=Example Org TLS Fuzz' issuing
certificate rsa client '/O=Example Org/CN=Example Org RSA Fuzz' issuing
cat pki/root.pem pki/issuing.pem >pki/ca.pem
cat pki/client.pem pki/issuing.pem >pki/chain.pem

seed() { echo "seeds/loader/$1"; }
pass=(-passout "pass:$password")
cp pki/ca.pem "$(seed ca.pem)"
cp pki/chain.pem "$(seed chain.pem)"
cat pki/client.pem pki/client.key >"$(seed combined.pem)"
cp pki/client.key "$(seed client.key)"
openssl x509 -in pki/client.pem -outform DER -out "$(seed client.der)"
openssl x509 -in pki/client.pem -trustout -addtrust clientAuth -out "$(seed trusted.pem)"
openssl x509 -in pki/client.pem -text -out "$(seed text.pem)"
openssl req -new -key pki/client.key -subj /CN=x -out "$(seed csr.pem)"
openssl pkey -in pki/client.key -pubout -out "$(seed public.pem)"
for kind in rsa p521 ed25519; do
    openssl pkcs8 -topk8 -nocrypt -in pki/$kind.key -outform DER -out "$(seed $kind.p8.der)"
done
openssl rsa -in pki/rsa.key -traditional -out "$(seed rsa.pkcs1.pem)" 2>/dev/null
openssl rsa -in pki/rsa.key -traditional -aes256 "${pass[@]}" -out "$(seed rsa.dek-info.pem)" 2>/dev/null
openssl ec -in pki/client.key -out "$(seed client.sec1.pem)" 2>/dev/null
openssl ec -in pki/client.key -des3 "${pass[@]}" -out "$(seed client.dek-info.pem)" 2>/dev/null
openssl ec -in pki/client.key -outform DER -out "$(seed client.sec1.der)" 2>/dev/null
openssl pkcs8 -topk8 -iter 4 -v2 aes256 -in pki/client.key "${pass[@]}" -out "$(seed client.aes.pem)"
openssl pkcs8 -topk8 -iter 4 -v2 des3 -v2prf hmacWithSHA1 -in pki/client.key "${pass[@]}" -outform DER \
    -out "$(seed client.3des.der)"
openssl pkcs8 -topk8 -scrypt -scrypt_N 4 -scrypt_r 1 -in pki/client.key "${pass[@]}" -out "$(seed client.scrypt.pem)"
openssl crl2pkcs7 -nocrl -certfile pki/chain.pem -outform DER -out "$(seed chain.p7b)"
openssl crl2pkcs7 -nocrl -certfile pki/client.pem -out "$(seed client.p7.pem)"
store=(-export -in pki/client.pem -inkey pki/client.key -iter 4 "${pass[@]}")
openssl pkcs12 "${store[@]}" -out "$(seed store.p12)"
openssl pkcs12 "${store[@]}" -nomac -out "$(seed store-nomac.p12)"
openssl pkcs12 "${store[@]}" -nomac -keypbe NONE -certpbe NONE -certfile pki/issuing.pem -out "$(seed store-plain.p12)"
openssl pkcs12 "${store[@]}" -nomac -keypbe PBE-SHA1-3DES -certpbe NONE -out "$(seed store-3des.p12)"
OPENSSL_CONF='' openssl pkcs12 -legacy "${store[@]}" -nomac -keypbe PBE-SHA1-RC2-40 -certpbe PBE-SHA1-RC2-128 \
    -out "$(seed store-rc2.p12)"
base64 -w0 "$(seed client.sec1.der)" >"$(seed client.base64)"
base64 -w0 pki/client.pem >"$(seed pem.base64)"
sed ':a;N;$!ba;s/\n/\\n/g' pki/client.key >"$(seed escaped.pem)"
tr '\n' ' ' <pki/client.pem >"$(seed one-line.pem)"
sed 's/^/> /' pki/client.pem >"$(seed quoted.pem)"
{ printf '\xef\xbb\xbf'; sed 's/$/\r/' pki/client.pem; } >"$(seed mark-crlf.pem)"
iconv -f ASCII -t UTF-16LE pki/client.pem >"$(seed utf16.pem)"
printf -- '-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n' >"$(seed openssh.pem)"
cat pki/client.key "$(seed client.sec1.pem)" >"$(seed two-keys.pem)"
# Valid base64 of an invalid key: the identifier of its curve is wrong.
sed 's/AwEH/AwEI/' pki/client.key >"$(seed damaged.pem)"

# flight NAME CERTIFICATE...: makes a seed of a server's certificates, each after its length.
flight() {
    local name=$1 certificate size
    shift
    for certificate in "$@"; do
        openssl x509 -in "$certificate" -outform DER -out "$work/certificate"
        size=$(stat -c %s "$work/certificate")
        # shellcheck disable=SC2059 # The format is the bytes.
        printf "$(printf '\\x%02x\\x%02x' $((size / 256)) $((size % 256)))"
        cat "$work/certificate"
    done >"seeds/flight/$name"
}
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/odd.key" -out "$work/odd.pem" \
    -subj '/C=GB/O=Example/CN=odd' -days 36500 -addext subjectAltName=DNS:localhost,IP:127.0.0.1,dirName:name,URI:a:b \
    -addext 'nameConstraints=critical,permitted;DNS:localhost,excluded;IP:10.0.0.0/255.0.0.0,permitted;dirName:name' \
    -addext certificatePolicies=critical,2.5.29.32.0 -addext policyConstraints=requireExplicitPolicy:3 \
    -addext extendedKeyUsage=serverAuth,anyExtendedKeyUsage -addext authorityKeyIdentifier=keyid:always,issuer:always \
    -config <(printf '[req]\ndistinguished_name=dn\n[dn]\n[name]\nO=Example\n') 2>/dev/null
flight own pki/server.pem
flight chain pki/server.pem pki/ca.pem
flight odd "$work/odd.pem" "$work/odd.pem" pki/ca.pem

# Removes the files that no target reads.
rm pki/{chain,rsa,root,issuing}.pem pki/{root,issuing,rsa,p521,ed25519}.key
