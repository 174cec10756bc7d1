// Package token gets access tokens, the short-lived passwords of OAuth 2
// (RFC 6749): one that somebody gives as it is, or one that a token server gives
// for a refresh token.
//
// It must not know what a token is used for, nor where the configured ones come
// from; and no error of it has a secret in its text. It starts no goroutines.
package token
