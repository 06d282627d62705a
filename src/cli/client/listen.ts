import { EventSourceParserStream } from 'eventsource-parser/stream';

export interface ServerEvent {
  event: string | undefined;
  data: string;
}

/**
 * Yields server-sent events until they end or `signal` aborts, which is not an error.
 *
 * @throws the answer when it is not an event stream; errors of fetch() and of a broken connection
 */
export async function* listenTo(
  url: string,
  headers: Record<string, string>,
  signal: AbortSignal,
): AsyncGenerator<ServerEvent> {
  try {
    const response = await fetch(url, { headers: { accept: 'text/event-stream', ...headers }, signal });
    if (!response.ok || !response.body) throw new UnexpectedAnswer(response.status, await response.text());
    const events = response.body
      .pipeThrough(new TextDecoderStream())
      .pipeThrough(new EventSourceParserStream());
    for await (const { event, data } of events) yield { event, data };
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

export class UnexpectedAnswer extends Error {
  readonly status: number;
  readonly body: string;

  constructor(status: number, body: string) {
    super(`${status}: ${body.slice(0, 200)}`);
    this.name = 'UnexpectedAnswer';
    this.status = status;
    this.body = body;
  }
}
