/* sha256.c -- SHA-256 digests through libcrypto. */
#include "base/sha256.h"

#include <openssl/evp.h>
#include <string.h>

enum trail_err sha256_init(struct sha256 *sha256)
{
    sha256->algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
    sha256->context = EVP_MD_CTX_new();
    if (sha256->algorithm != NULL && sha256->context != NULL)
        return TRAIL_OK;

    enum trail_err err = sha256->context == NULL ? TRAIL_ENOMEM : TRAIL_EUNSUPPORTED;
    sha256_done(sha256);
    return err;
}

void sha256_done(struct sha256 *sha256)
{
    if (sha256 == NULL)
        return;
    EVP_MD_CTX_free(sha256->context);
    EVP_MD_free(sha256->algorithm);
    *sha256 = (struct sha256){ 0 };
}

enum trail_err sha256_digest(struct sha256 *sha256, struct trail_text text, uint8_t ret_digest[SHA256_BYTES])
{
    uint8_t digest[SHA256_BYTES];
    /* OpenSSL sets a context up once: the first start allocates, the later ones find everything in place. */
    if (EVP_DigestInit_ex2(sha256->context, sha256->algorithm, NULL) != 1 ||
        EVP_DigestUpdate(sha256->context, text.data, text.size) != 1 ||
        EVP_DigestFinal_ex(sha256->context, digest, NULL) != 1)
        return TRAIL_ENOMEM;
    memcpy(ret_digest, digest, sizeof digest);
    return TRAIL_OK;
}

void sha256_hex(const uint8_t digest[SHA256_BYTES], char out[SHA256_HEX_SIZE])
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < SHA256_BYTES; i++) {
        out[2 * i] = digits[digest[i] >> 4];
        out[2 * i + 1] = digits[digest[i] & 15];
    }
    out[2 * SHA256_BYTES] = '\0';
}
