/**
 * Ends when a device is lost, with one line. A device that its owner destroyed is not lost: ONNX
 * Runtime destroys its own with the last session, and opens another for the next.
 */
export async function lostLine(device: GPUDevice): Promise<string> {
  const { reason, message } = await device.lost
  if (reason === 'destroyed') return new Promise<never>(() => undefined)
  return `the GPU device was lost${message === '' ? '' : ` (${message})`}`
}
