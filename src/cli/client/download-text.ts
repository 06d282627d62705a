import http from 'node:http';
import https from 'node:https';
import { UnexpectedAnswer } from './listen.ts';

/** The connection ended before the body did: what came is not the whole of it. */
export class BrokenOff extends Error {}

/** A server that sends nothing for so long is given up. */
const patienceMs = 60_000;

/** @throws UnexpectedAnswer, BrokenOff, or the error of a connection that was not answered */
export async function* downloadText(url: URL, headers: Record<string, string>): AsyncGenerator<string> {
  const response = await open(url, headers);
  response.setEncoding('utf8');
  const isExpected = response.statusCode === 200;
  let body = '';
  let characters = 0;
  try {
    for await (const text of response as AsyncIterable<string>) {
      characters += text.length;
      if (isExpected) yield text;
      else body += text;
    }
  } catch (cause) {
    throw new BrokenOff(`the export broke off after ${characters} characters: it is incomplete`, { cause });
  }
  if (!isExpected) throw new UnexpectedAnswer(response.statusCode ?? 0, body);
}

function open(url: URL, headers: Record<string, string>): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    const { request } = url.protocol === 'https:' ? https : http;
    const asked = request(url, { headers, timeout: patienceMs, agent: false }, resolve);
    asked.on('timeout', () => asked.destroy(new Error(`nothing came for ${patienceMs / 1000} s`)));
    asked.on('error', reject);
    asked.end();
  });
}
