import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import {
  InstanceShape,
  ParkedPaymentShape,
  ProblemShape,
  RequestedRefundShape,
} from '../../../api/shapes.ts';
import { parseSourceId, parseTraceparent } from '../../../core/instance/purchase.ts';
import { readWebhookId } from '../../../core/orders/payment.ts';
import type { PaidOrder, PaymentAnswer } from '../../../core/triggers/order-paid.ts';
import { parsePaidBody } from '../../../core/triggers/paid-body.ts';
import { toWeirError } from '../../../errors.ts';
import type { Emit } from '../../../ops/telemetry/events.ts';
import { showReceipt, showRefund } from '../answers.ts';
import { rawBody } from '../plugins/json-body.ts';
import { requireRoom, sendReceipt } from '../plugins/receipt.ts';
import { boundSignedBody } from '../plugins/webhook-signature.ts';

export interface PaymentDeps {
  webhookSecrets: readonly string[];
  payOrder: (paid: PaidOrder) => Promise<PaymentAnswer>;
  hasRoom: () => boolean;
  emit: Emit;
}

export interface OrderPath {
  Params: { orderId: string };
}

export type CheckSignature = (request: FastifyRequest, orderId: string) => Promise<void>;

type PaidRequest = FastifyRequest<OrderPath & { Body: unknown }>;

export function addPayments(http: FastifyInstance, deps: PaymentDeps, checkSignature: CheckSignature): void {
  const isSigned = deps.webhookSecrets.length > 0;
  const logRefusal = (orderId: string, error: unknown) => {
    const { code, message: detail, isTransient } = toWeirError(error);
    if (!isTransient) deps.emit({ type: 'payment refused', orderId, code, detail });
  };

  http.post<OrderPath & { Body: unknown }>(
    '/v1/orders/:orderId/paid',
    {
      config: { scope: 'signed', activity: 'none' },
      ...boundSignedBody(deps.webhookSecrets),
      schema: {
        summary: 'Payment callback: the order becomes an instance',
        description:
          'Without a body for an order created in Weir, with productId and userId for any other order; paymentId, ' +
          'amountCents and paidAt describe the payment. A payment that cannot become an instance answers 200 with what ' +
          'was done: `"outcome": "refund requested"` or `"outcome": "parked"`. Once a webhook secret is set, the raw ' +
          'body must be signed by the Standard Webhooks scheme and carry orderId.',
        response: {
          200: Type.Union([InstanceShape, RequestedRefundShape, ParkedPaymentShape]),
          201: InstanceShape,
          '4xx': ProblemShape,
        },
      },
      // The body is optional, which a JSON schema for it cannot express: it is checked below.
      async preValidation(request) {
        try {
          await checkSignature(request, request.params.orderId);
        } catch (error) {
          // The bytes come from the payment provider itself, so money has been paid for something.
          if (toWeirError(error).code === 'SIGNED_ORDER_DIFFERS') logRefusal(request.params.orderId, error);
          throw error;
        }
      },
    },
    async (request, reply) => {
      requireRoom(deps.hasRoom);
      try {
        return sendAnswer(reply, request, await deps.payOrder(readPaidOrder(request, isSigned)));
      } catch (error) {
        logRefusal(request.params.orderId, error);
        throw error;
      }
    },
  );
}

/** @throws WeirError of the invalid field */
function readPaidOrder(request: PaidRequest, isSigned: boolean): PaidOrder {
  const orderId = parseSourceId(request.params.orderId);
  const { named, payment } = parsePaidBody(request.body, orderId);
  const webhookId = isSigned ? readWebhookId(request.headers['webhook-id']) : {};
  // `weir orders paid` replaces a missing callback, and knows no payment details.
  const isByHand = webhookId.webhookId === `weir-paid-${orderId}`;
  return {
    orderId,
    named,
    payment: { ...payment, ...(isByHand ? {} : webhookId) },
    original: rawBody(request),
    ...parseTraceparent(request.headers.traceparent),
  };
}

function sendAnswer(reply: FastifyReply, request: PaidRequest, answer: PaymentAnswer): FastifyReply {
  if (answer.kind === 'instance') return sendReceipt(reply, answer.first, showReceipt(answer.instance));
  if (answer.kind === 'refund') {
    return reply.status(200).send({ outcome: 'refund requested', ...showRefund(answer.refund) });
  }
  return reply.status(200).send({ outcome: 'parked', ...answer.item, orderId: request.params.orderId });
}
