/**
 * Settings of earlier versions and their replacements; the sentence is the error for a file or variable that
 * still has one.
 */
const constant = 'no value: this is a constant now';

export const retiredSettings: Readonly<Record<string, string>> = {
  'stuck.deadlineMs': 'its new name, overdue.deadlineMs',
  'stuck.maxAnnouncements': 'its new name, overdue.maxPublications',
  'seckill.commitsInFlight': constant,
  'seckill.maxDeliveries': constant,
  'seckill.keepFinishedMs': constant,
  'outbox.windowEvents': constant,
  'outbox.confirmDeadlineMs': constant,
  'sale.userBurst': 'no value: five times sale.userPerSecond may come at once',
  'sale.addressBurst': 'no value: five times sale.addressPerSecond may come at once',
  'cleaning.marksAfterMs': constant,
};
