import { setTimeout as pause } from 'node:timers/promises';
import { StillStarting } from './ask.mjs';
import { readAddresses } from './memory.mjs';

const deadlineMs = 60_000;

/**
 * The first address that answers in the service's protocol with a recent enough version, otherwise the reason
 * why none does.
 */
export async function findAnswering(service) {
  const given = process.env[service.variable] || service.formatUrl(service.usualPort);
  const remembered = readAddresses()[service.name];
  const seen = [];
  for (const url of new Set([given, remembered].filter(Boolean))) {
    try {
      return { url, version: await askRecent(service, url) };
    } catch (error) {
      if (error instanceof StillStarting) return { url, version: await waitForAnswer(service, url) };
      seen.push(`${showAddress(url)}: ${describe(error)}`);
    }
  }
  return { seen: seen.join('; ') };
}

/** `hasEnded` ends the wait early when the process that should answer has exited. */
export async function waitForAnswer(service, url, { hint = '', hasEnded = () => false } = {}) {
  const end = Date.now() + deadlineMs;
  for (;;) {
    try {
      return await askRecent(service, url);
    } catch (error) {
      const limit = hasEnded() ? 'because it ended' : Date.now() > end && `within ${deadlineMs / 1000} s`;
      if (limit) {
        const seen = `Last seen: ${describe(error)}.`;
        throw new Error(`${service.title} did not answer at ${showAddress(url)} ${limit}. ${seen}${hint}`);
      }
      await pause(50);
    }
  }
}

/** Without user and password. */
export function showAddress(url) {
  return URL.canParse(url) ? new URL(url).host : 'an address that is no URL';
}

async function askRecent(service, url) {
  const version = await service.ask(url);
  if (version && !isAtLeast(version, service.oldest)) {
    throw new Error(`it is ${service.title} ${version}, and ${service.oldest} is the oldest that fits`);
  }
  return version;
}

function isAtLeast(version, oldest) {
  const [major = 0, minor = 0] = version.split(/[^\d]+/).map(Number);
  const [oldestMajor, oldestMinor = 0] = oldest.split('.').map(Number);
  return major > oldestMajor || (major === oldestMajor && minor >= oldestMinor);
}

/** A name with several addresses (localhost) fails with one error for each and no message of its own. */
function describe(error) {
  return error.message || error.errors?.map((one) => one.message).join(', ') || error.code;
}
