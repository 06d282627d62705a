/** Of one entry that is kept whole: a parked item is for reading, and PostgreSQL takes no value above 1 GB. */
const longestEntry = 16 * 1024 * 1024;
const bytesOfLongPart = 65_536;

/**
 * A JSON array of alternating names and values; what is not UTF-8 stands as {"base64": …}, and what is too long to keep as
 * {"base64": …, "bytes": how many there were}.
 */
export function encodeOriginal(parts: readonly Buffer[]): Buffer {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let left = longestEntry;
  return Buffer.from(
    JSON.stringify(
      parts.map((bytes) => {
        if (bytes.length > left) {
          return {
            base64: bytes.toString('base64', 0, Math.min(bytesOfLongPart, left)),
            bytes: bytes.length,
          };
        }
        left -= bytes.length;
        try {
          return decoder.decode(bytes);
        } catch {
          return { base64: bytes.toString('base64') };
        }
      }),
    ),
  );
}
