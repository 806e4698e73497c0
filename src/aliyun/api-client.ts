/** Where access tokens come from: fulfilled by the account keeper. */
export interface AccessTokenSource {
  /**
   * Waits for a refresh in flight.
   * @throws DriveError `login-required` or `unavailable`
   */
  getAccessToken(signal?: AbortSignal): Promise<string>;
  /**
   * For an access token that the service refused: resolves to another one.
   * All who report the same refused token share one refresh, and none is made if it was replaced meanwhile.
   */
  replaceAccessToken(refused: string, signal?: AbortSignal): Promise<string>;
}

/** The device headers of the web API and the session that makes them valid. */
export interface SignedHeaders {
  headers(signal?: AbortSignal): Promise<Readonly<Record<string, string>>>;
  /** Registers the device anew after the service refused its headers. */
  renew(signal?: AbortSignal): Promise<void>;
}
